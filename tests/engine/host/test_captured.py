"""On a CPU work stays as it is; on a GPU it is captured once it is warm, and left as it is if it cannot be."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext

import pytest
import torch

from pytest_unicomp.engine.host.captured import WARM_UP, captured


class ToyGraph:
    """Replays the calls that were made while it captured."""

    def __init__(self) -> None:
        self.recorded = 0
        self.replayed = 0

    def replay(self) -> None:
        self.replayed += self.recorded


@pytest.fixture
def calls(monkeypatch):
    """Stand in for the parts of torch.cuda that capture; return the list to which the work adds."""
    made: list[str] = []

    @contextmanager
    def graph(one):
        before = len(made)
        yield
        one.recorded = len(made) - before

    stream = type("Stream", (), {"wait_stream": lambda self, other: None})
    toys = {"Stream": stream, "stream": nullcontext, "current_stream": stream, "CUDAGraph": ToyGraph, "graph": graph, "device": nullcontext}
    for name, toy in toys.items():
        monkeypatch.setattr(torch.cuda, name, toy)
    return made


def test_on_a_cpu_work_stays_what_it_is():
    def work():
        return 7

    assert captured("cpu", work) == (work, None)


def test_work_is_captured_once_after_it_is_warm_and_replayed_without_a_call(calls):
    replay, reason = captured("cuda:0", lambda: calls.append("kernel"))
    assert (len(calls), reason) == (WARM_UP + 1, None)
    replay()
    replay()
    assert len(calls) == WARM_UP + 1
    assert replay.__self__.replayed == 2


def test_work_that_cannot_be_captured_is_left_as_it_is_with_the_reason(calls):
    def work():
        calls.append("kernel")
        if len(calls) > WARM_UP:
            raise RuntimeError("operation not permitted\nwhen stream is capturing")

    found, reason = captured("cuda:0", work)
    assert found is work
    assert reason == "RuntimeError: operation not permitted when stream is capturing"
