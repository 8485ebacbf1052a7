"""Timings at an endpoint: what is asked for, which seconds count, and a server that writes fewer tokens than it should is not timed."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UnicompError
from pytest_unicomp.benchmarks.efficiency.latency import Latency
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.engine.serving import Endpoint, connect
from tests.engine.serving.loopback import Loopback

READING = Latency(batch=2, prompt=10, decode=0)
WRITING = Latency(batch=2, prompt=10, decode=4)
BOTH = Latency(batch=3, prompt=10, decode=4, whole=True)


class Recorder(Loopback):
    """Keeps what it was asked; `wait` seconds pass before a streamed answer begins, `lost` tokens of it never come."""

    def __init__(self, *arguments: Any, wait: float = 0.0, lost: int = 0, usage: bool = True, **words: Any) -> None:
        super().__init__(*arguments, **words)
        self.payloads: list[dict[str, Any]] = []
        self.wait, self.lost, self.usage = wait, lost, usage

    def complete(self, payload):
        self.payloads.append(payload)
        answer = super().complete({**payload, "max_tokens": payload["max_tokens"] - self.lost})
        return answer if self.usage else {"choices": answer["choices"]}

    def streamed(self, payload):
        self.payloads.append(payload)
        time.sleep(self.wait)
        yield from super().streamed({**payload, "max_tokens": payload["max_tokens"] - self.lost})


@pytest.fixture
def serve(tiny):
    running = []

    def start(**words):
        server = Recorder(tiny, **words).__enter__()
        running.append(server)
        engine = connect(Endpoint.parse(server.url), tiny.path)
        server.payloads.clear()
        return server, engine

    yield start
    for server in running:
        server.__exit__()


def test_reading_asks_for_one_token_and_every_round_has_prompts_of_its_own(serve):
    server, engine = serve()
    round_ = READING.prepare(engine)
    assert round_() is None
    assert round_() is None
    first, second = server.payloads
    assert [len(ids) for ids in first["prompt"]] == [10, 10]
    assert (first["max_tokens"], first["temperature"], first.get("stream")) == (1, 0, None)
    # A server that keeps what it has read would answer the second round from its cache.
    assert first["prompt"] != second["prompt"]
    assert not set(itertools.chain.from_iterable(first["prompt"])) & set(engine.tokenizer.all_special_ids)


def test_both_sides_of_a_pair_are_put_the_same_prompts(serve):
    (one, first), (other, second) = serve(), serve()
    pairs = PairedRounds(READING.prepare(first), READING.prepare(second))
    for _ in range(3):
        pairs.before()
        pairs.candidate()
    pairs.finish([1.0] * 3)
    assert [payload["prompt"] for payload in one.payloads] == [payload["prompt"] for payload in other.payloads]


def test_writing_counts_from_the_first_token_of_every_sequence(serve):
    server, engine = serve(wait=0.3)
    started = time.perf_counter()
    counted = WRITING.prepare(engine)()
    elapsed = time.perf_counter() - started
    [payload] = server.payloads
    assert (payload["max_tokens"], payload["stream"], payload["ignore_eos"]) == (5, True, True)
    assert 0 < counted < elapsed - 0.3


def test_a_whole_answer_is_one_request_and_all_of_it_counts(serve):
    server, engine = serve()
    assert BOTH.prepare(engine)() is None
    [payload] = server.payloads
    assert (len(payload["prompt"]), payload["max_tokens"]) == (3, 4)


@pytest.mark.parametrize(
    ("work", "words", "message"),
    [
        (BOTH, {"lost": 1}, "wrote 9 of 12 tokens"),
        (WRITING, {"lost": 2}, "wrote 6 of 10 tokens"),
        (READING, {"usage": False}, "does not say how many tokens it wrote"),
    ],
)
def test_a_server_that_stops_early_or_does_not_tell_is_not_timed(serve, work, words, message):
    _, engine = serve(**words)
    with pytest.raises(InfrastructureError, match=message):
        work.prepare(engine)()


def test_a_server_that_takes_text_alone_gets_text(serve):
    server, engine = serve(tokens=False)
    READING.prepare(engine)()
    assert all(isinstance(prompt, str) for prompt in server.payloads[0]["prompt"])


def test_a_stream_that_breaks_off_is_an_error(serve, monkeypatch):
    server, engine = serve()

    def broken(payload):
        yield {"choices": [{"index": 0, "text": "a"}]}
        yield {"error": "out of memory"}

    monkeypatch.setattr(server, "streamed", broken)
    with pytest.raises(InfrastructureError, match="broke off: out of memory"):
        WRITING.prepare(engine)()


def test_a_context_that_holds_no_prompt_is_refused(serve, tiny):
    _, engine = serve()
    with pytest.raises(UnicompError, match="holds no prompt beside"):
        Latency(batch=1, prompt=8, decode=engine.max_length).prepare(engine)
