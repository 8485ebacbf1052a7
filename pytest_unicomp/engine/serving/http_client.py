"""One HTTP request to an endpoint, within limits: no redirect to another host or scheme, a largest body, and a total time."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import httpx

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.serving.key import without_key

MAX_BODY_BYTES = 2**26
MAX_REDIRECTS = 5
# Characters of a refusal that an error message repeats.
REFUSAL_CHARACTERS = 300


class Refused(InfrastructureError):
    """A server answered a request with a status of 400 or above."""

    def __init__(self, message: str, *, status: int) -> None:
        """Store the HTTP status as an attribute."""
        super().__init__(message)
        self.status = status


@contextmanager
def open_response(url: str, payload: Mapping[str, Any] | None, *, headers: Mapping[str, str], seconds: float) -> Iterator[httpx.Response]:
    """Yield the response to a GET, or to a POST of `payload` as JSON, with its body not yet read.

    Raises InfrastructureError once `seconds` have passed since the request, whatever has arrived by then, and reading the body after
    MAX_BODY_BYTES. The same limit of seconds applies to each wait for data. Redirects are followed on the same scheme, host and port alone, so that neither the key in
    `headers` nor a prompt goes elsewhere. Raises InfrastructureError for any other redirect, a status of 400 or above, and a failed connection.
    """
    deadline = time.monotonic() + seconds
    # Compression would make the limit of the body meaningless.
    headers = {**headers, "Accept-Encoding": "identity"}
    content = None if payload is None else json.dumps(payload).encode()
    try:
        with httpx.Client(timeout=seconds, follow_redirects=False) as client:
            request = client.build_request("GET" if content is None else "POST", url, content=content, headers=headers)
            response = _within(lambda: _send(client, request), seconds, url)
            try:
                response.stream = _LimitedStream(response.stream, url, deadline, seconds)
                _require_success(response, url)
                yield response
            finally:
                response.close()
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError, RecursionError) as error:
        raise InfrastructureError(f"unicomp: {url} does not answer: {error or type(error).__name__}.") from error


def _within(work: Callable[[], httpx.Response], seconds: float, url: str) -> httpx.Response:
    """Run `work` in a thread and return its response; raise InfrastructureError after `seconds`.

    httpx limits each read, so a server that trickles bytes never times out. The thread ends when the client is closed, or with the process.
    """
    made: SimpleQueue[httpx.Response | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            made.put(work())
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            made.put(error)

    Thread(target=run, daemon=True).start()
    try:
        found = made.get(timeout=seconds)
    except Empty:
        raise InfrastructureError(f"unicomp: {url} has sent no complete headers within {seconds:g} s; the request was given up.") from None
    if isinstance(found, BaseException):
        raise found
    return found


def _send(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send the request, and again if the same server redirects it."""
    start = request.url
    for _ in range(MAX_REDIRECTS + 1):
        response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        response.close()
        request, target = response.next_request, response.next_request.url
        if (target.scheme, target.host, target.port) != (start.scheme, start.host, start.port):
            raise InfrastructureError(
                f"unicomp: {start} redirects to {target.scheme}://{target.netloc.decode()}, which is another server and was not contacted; "
                "give the address that answers itself."
            )
    raise InfrastructureError(f"unicomp: {start} redirects more than {MAX_REDIRECTS} times; give the address that answers itself.")


def _require_success(response: httpx.Response, url: str) -> None:
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise InfrastructureError(f"unicomp: {url} answered in the encoding {encoding[:20]!r}; expected an answer that is not compressed.")
    if response.status_code >= 400:
        body = b""
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= REFUSAL_CHARACTERS:
                break
        refusal = body[:REFUSAL_CHARACTERS].decode(errors="replace").strip()
        refusal = without_key(refusal, response.request.headers)
        raise Refused(f"unicomp: {url} answered {response.status_code}: {refusal or response.reason_phrase}.", status=response.status_code)


class _LimitedStream(httpx.SyncByteStream):
    """The body of a response; iterating over it raises InfrastructureError beyond a limit."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, url: str, deadline: float, seconds: float) -> None:
        assert isinstance(stream, httpx.SyncByteStream)
        self._stream, self._url, self._deadline, self._seconds = stream, url, deadline, seconds

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for chunk in self._stream:
            received += len(chunk)
            if received > MAX_BODY_BYTES:
                raise InfrastructureError(f"unicomp: the answer of {self._url} has more than {MAX_BODY_BYTES} bytes; reading was stopped.")
            if time.monotonic() > self._deadline:
                raise InfrastructureError(
                    f"unicomp: the answer of {self._url} was not complete after {self._seconds:g} s; reading was stopped."
                )
            yield chunk

    def close(self) -> None:
        self._stream.close()
