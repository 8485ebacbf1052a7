"""Limits of a request to an endpoint: redirects, the size of the body, the total time, and errors that name the address."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving import http_client
from pytest_unicomp.engine.serving.endpoint import Endpoint


@contextmanager
def server(answer):
    """Serve every GET and POST with `answer(handler)`; yields the Endpoint and a list of (path, Authorization) of each request."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append((self.path, self.headers["Authorization"]))
            # The client may stop reading.
            with suppress(OSError):
                answer(self)

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield Endpoint(f"http://127.0.0.1:{running.server_port}/v1"), seen
    finally:
        running.shutdown()
        running.server_close()


def respond(handler, body, status=200, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def endless(chunk, wait=0.0):
    def answer(handler):
        respond(handler, b"")
        for _ in range(10**6):
            handler.wfile.write(chunk)
            time.sleep(wait)

    return answer


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("UNICOMP_API_KEY", "secret")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("payload", [None, {"prompt": "private"}])
def test_a_redirect_to_another_host_is_refused_and_that_host_gets_nothing(status, payload):
    with server(lambda handler: respond(handler, b"{}")) as (other, stolen):
        # Another name for the same machine is another host.
        target = other.url.replace("127.0.0.1", "localhost")
        with server(lambda handler: respond(handler, b"", status, Location=target)) as (endpoint, seen):
            with pytest.raises(InfrastructureError, match=r"redirects to http://localhost:\d+, which is another server"):
                endpoint.call("completions", payload)
            assert seen == [("/v1/completions", "Bearer secret")]
    assert stolen == []


def test_a_redirect_to_another_scheme_or_port_is_refused():
    for target in ("https://127.0.0.1/v1/models", "http://127.0.0.1:1/v1/models", "//127.0.0.1:1/v1"):
        with (
            server(lambda handler, target=target: respond(handler, b"", 307, Location=target)) as (endpoint, _),
            pytest.raises(InfrastructureError, match="which is another server and was not contacted"),
        ):
            endpoint.call("models")


def test_a_redirect_on_the_same_server_is_followed_with_the_key():
    def answer(handler):
        if handler.path == "/v1/models":
            respond(handler, b"", 307, Location="/v1/models/")
        else:
            respond(handler, b'{"data": []}')

    with server(answer) as (endpoint, seen):
        assert endpoint.call("models") == {"data": []}
    assert seen == [("/v1/models", "Bearer secret"), ("/v1/models/", "Bearer secret")]


def test_endless_redirects_are_refused():
    with server(lambda handler: respond(handler, b"", 307, Location=handler.path)) as (endpoint, seen):
        with pytest.raises(InfrastructureError, match="redirects more than 5 times"):
            endpoint.call("models")
        assert len(seen) == 6


@pytest.mark.parametrize("read", [lambda endpoint: endpoint.call("models"), lambda endpoint: list(endpoint.stream("completions", {}))])
def test_an_endless_body_is_stopped(read, monkeypatch):
    monkeypatch.setattr(http_client, "MAX_BODY_BYTES", 10**5)
    with server(endless(b"x" * 1000)) as (endpoint, _), pytest.raises(InfrastructureError, match="has more than 100000 bytes"):
        read(endpoint)


def test_an_endless_stream_of_events_is_stopped(monkeypatch):
    monkeypatch.setattr(http_client, "MAX_BODY_BYTES", 1000)
    events = []

    def read(endpoint):
        events.extend(endpoint.stream("completions", {}))

    with server(endless(b'data: {"choices": []}\n\n')) as (endpoint, _), pytest.raises(InfrastructureError, match="more than 1000 bytes"):
        read(endpoint)
    assert 0 < len(events) <= 1000 / 20


@pytest.mark.parametrize(
    "read",
    [lambda endpoint: endpoint.call("models", seconds=0.5), lambda endpoint: list(endpoint.stream("completions", {}, seconds=0.5))],
)
def test_a_dripping_body_is_stopped_after_the_total_time(read):
    """Every wait is far below the limit: only the sum exceeds it."""
    started = time.monotonic()
    with (
        server(endless(b" ", wait=0.05)) as (endpoint, _),
        pytest.raises(InfrastructureError, match=r"was not complete after 0\.5 s"),
    ):
        read(endpoint)
    assert 0.4 < time.monotonic() - started < 5


def test_a_server_that_accepts_and_stays_silent_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(f"http://127.0.0.1:{silent.getsockname()[1]}/v1")
        with pytest.raises(InfrastructureError, match=r"/v1/models (does not answer: .+|has sent no complete headers)"):
            endpoint.call("models", seconds=0.2)


def test_a_refusal_is_repeated_up_to_a_limit():
    with server(lambda handler: respond(handler, b"no such model " + b"x" * 10_000, 404)) as (endpoint, _):
        with pytest.raises(InfrastructureError, match="answered 404: no such model") as refused:
            endpoint.call("completions", {})
        assert len(str(refused.value)) < 500


def test_a_refusal_without_words_has_the_reason_of_its_status():
    with (
        server(lambda handler: respond(handler, b"", 503)) as (endpoint, _),
        pytest.raises(InfrastructureError, match="answered 503: Service Unavailable"),
    ):
        endpoint.call("models")


def test_a_compressed_body_is_refused_because_its_size_is_unknown():
    with (
        server(lambda handler: respond(handler, b"", Content_Encoding="gzip")) as (endpoint, _),
        pytest.raises(InfrastructureError, match="in the encoding 'gzip'"),
    ):
        endpoint.call("models")


def test_an_answer_that_is_not_json_is_an_infrastructure_error():
    with server(lambda handler: respond(handler, b"<html>")) as (endpoint, _), pytest.raises(InfrastructureError, match="/v1/models"):
        endpoint.call("models")


def test_events_arrive_one_by_one():
    """The second event is sent only after the first has been read."""
    first_read = threading.Event()

    def answer(handler):
        respond(handler, b': comment\r\n\r\ndata: {"number": 1}\r\n\r\n')
        handler.wfile.flush()
        assert first_read.wait(10)
        handler.wfile.write(b'data:{"number": 2}\n\ndata: [DONE]\n\n')

    with server(answer) as (endpoint, _):
        found = []
        for event in endpoint.stream("completions", {}):
            found.append(event["number"])
            first_read.set()
    assert found == [1, 2]


def test_a_stream_that_ends_without_done_is_an_infrastructure_error():
    with (
        server(lambda handler: respond(handler, b'data: {"number": 1}\n\n')) as (endpoint, _),
        pytest.raises(InfrastructureError, match="did not stream to the end"),
    ):
        list(endpoint.stream("completions", {}))


def test_dripping_headers_are_given_up_after_the_total_time():
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(200):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    with server(drip) as (endpoint, _):
        started = time.monotonic()
        with pytest.raises(InfrastructureError, match=r"no complete headers within 0\.5 s"):
            endpoint.call("models", seconds=0.5)
        assert time.monotonic() - started < 5
