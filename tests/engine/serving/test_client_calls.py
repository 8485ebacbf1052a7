"""A request that nobody answers is given up once, for every benchmark that follows."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.reply_log import Generated
from pytest_unicomp.engine.reply_settings import ReplySettings
from pytest_unicomp.engine.serving import Endpoint, ServedEngine, client_calls
from pytest_unicomp.engine.serving.chat import build_chat_client
from pytest_unicomp.engine.thoughts import marks_of

EVALUATION = Evaluation(limit=2, seed=0, bundle=None, device="cpu", dtype="float32")


class Hanging(BaseHTTPRequestHandler):
    """Reads a request and does not answer it before the test has ended."""

    received: ClassVar[list[str]] = []
    ended = threading.Event()

    def do_POST(self) -> None:
        self.received.append(self.path)
        self.ended.wait(30)


@pytest.fixture
def hanging():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", chat=True)
    Hanging.ended.set()
    server.shutdown()
    server.server_close()


def test_a_timeout_is_final(hanging):
    lm = build_chat_client(hanging, "toy")
    lm.timeout = 1
    engine = ServedEngine(NANO, hanging, None, lm, name="chat server")
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(InfrastructureError, match="has not answered a request within 1 s; it is not sent again"):
            benchmarks()["nano-instruction-following"].score(engine, EVALUATION)
    assert time.monotonic() - started < 10
    # Both requests of the first benchmark were in flight together; the second benchmark sent none.
    assert len(Hanging.received) == 2


def test_a_served_reply_has_its_length_its_end_and_its_thoughts():
    answer = {
        "choices": [{"index": 0, "finish_reason": "length", "message": {"content": "4", "reasoning_content": "2+2"}}],
        "usage": {"completion_tokens": 9},
    }
    (found,) = client_calls.replies(answer, "url", "message", "content")
    assert (found, found.tokens, found.truncated, found.thoughts) == ("4", 9, True, "2+2")
    (bare,) = client_calls.replies({"choices": [{"index": 0, "text": "4"}]}, "url", "text")
    assert (bare, bare.tokens, bare.truncated, bare.thoughts) == ("4", None, None, None)


@pytest.mark.parametrize(
    "odd", [{"usage": "many"}, {"usage": {"completion_tokens": "9"}}, {"usage": {"completion_tokens": True}}, {"usage": None}]
)
def test_a_length_that_is_no_number_is_not_known(odd):
    (found,) = client_calls.replies({"choices": [{"index": 0, "text": "4", "finish_reason": 3}], **odd}, "url", "text")
    assert (found.tokens, found.truncated) == (None, None)


def test_thoughts_are_cut_from_served_text_and_stops_are_looked_for_behind_them():
    settings = ReplySettings(marks=marks_of("<think></think>", []), encode=list)
    text = client_calls.ServedText("<think>a. b</think>4. more")
    text.tokens, text.truncated = 12, True
    found = client_calls._generated(text, "p", {"until": ["."]}, settings)
    assert found == Generated("4", 12, truncated=False, looping=False, thoughts="a. b", unfinished=False)


def test_a_chat_reply_cut_before_its_answer_is_unfinished():
    text = client_calls.ServedText("")
    text.thoughts, text.truncated = "I wonder", True
    found = client_calls._generated(text, "p", {}, ReplySettings())
    assert (found.answer, found.thoughts, found.unfinished, found.looping) == ("", "I wonder", True, None)


def test_a_pass_has_its_own_seed_and_thoughts_are_not_stopped():
    calls = client_calls.ClientCalls()
    calls.reply_settings = ReplySettings(marks=marks_of("</think>", []), number=2)
    assert calls.sent({"until": ["\n"], "max_gen_toks": 9}) == {"until": [], "max_gen_toks": 9, "seed": 1236}
    calls.reply_settings = ReplySettings()
    assert calls.sent({"until": ["\n"]}) == {"until": ["\n"]}


def test_a_chat_endpoint_is_given_the_arguments_of_its_template():
    lm = build_chat_client(Endpoint("http://127.0.0.1:1/v1", "toy", chat=True), "toy")
    lm.reply_settings = ReplySettings(template_arguments={"enable_thinking": False})
    assert lm.sent({})["chat_template_kwargs"] == {"enable_thinking": False}
    payload = lm._create_payload([{"role": "user", "content": "x"}], generate=True, gen_kwargs=lm.sent({"until": [], "max_gen_toks": 5}))
    assert (payload["chat_template_kwargs"], payload["max_tokens"]) == ({"enable_thinking": False}, 5)
