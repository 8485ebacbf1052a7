"""The server judge against a loopback endpoint: prompts, temperature, retries, failures counted and never guessed."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pytest_unicomp.engine.serving.endpoint import Endpoint
from pytest_unicomp.judges import build
from pytest_unicomp.judges.question import judge_question
from pytest_unicomp.judges.server import ATTEMPTS, Server, filled


@contextmanager
def endpoint(reply):
    """Serve `reply(payload) -> (status, text)` as a chat model; yields the address and the payloads that came."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def _send(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            self._send(200, {"data": [{"id": "toy"}]})

        def do_POST(self):
            payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            seen.append((payload, self.headers.get("Authorization")))
            status, text = reply(payload["messages"][0]["content"])
            self._send(status, {"choices": [{"message": {"content": text}}]} if status == 200 else {"error": text})

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", seen
    finally:
        server.shutdown()
        server.server_close()


def test_the_prompt_is_trustllms_and_the_temperature_stays_zero(monkeypatch):
    monkeypatch.setenv("UNICOMP_API_KEY", "secret")
    with endpoint(lambda text: (200, "YES")) as (url, seen):
        judge = Server(Endpoint.parse(url))
        assert judge.answer([judge_question("squad", question="Who?", correct_answer="Ada", answer="[[question]]")]) == ["YES"]
    (payload, key) = seen[0]
    assert (payload["temperature"], payload["model"], key) == (0, "toy", "Bearer secret")
    text = payload["messages"][0]["content"]
    # What a model wrote is not filled in once more.
    assert "Question: Who?" in text
    assert text.endswith("Answer you should evaluate: [[question]]")
    assert "secret" not in judge.identity


def test_a_failure_is_tried_again_and_then_counted_as_unjudged():
    calls = {"often": 0, "always": 0}

    def reply(text):
        kind = "often" if "often" in text else "always"
        calls[kind] += 1
        return (200, "REFUSES") if kind == "often" and calls[kind] > 2 else (503, "busy")

    with endpoint(reply) as (url, _):
        judge = build.Judge("server", server=Server(Endpoint.parse(url), wait_seconds=0.001))
        questions = [judge_question("refusal", prompt=word, response="no") for word in ("often", "always")]
        assert judge.answer(questions) == ["refuses", None]
    assert calls == {"often": 3, "always": ATTEMPTS}


def test_an_answer_that_is_neither_word_is_no_judgement():
    with endpoint(lambda text: (200, "maybe")) as (url, _):
        judge = build.Judge("server", server=Server(Endpoint.parse(url)))
        assert judge.answer([judge_question("refusal", prompt="p", response="r")]) == [None]


def test_every_prompt_is_filled_whole():
    fields = {
        name: f"<{name}>" for name in ("res", "label", "question", "correct_answer", "answer", "first", "second", "prompt", "response")
    }
    for task in (
        "ETHICS",
        "stereotype_agreement",
        "stereotype_recognition",
        "ood_generalization",
        "hotpot",
        "sycophancy_preference",
        "refusal",
    ):
        assert "[[" not in filled(judge_question(task, **fields)), task
