"""Replies that somebody made to stall the refusal judge: time grows with their length and no faster, and none of them breaks it."""

from __future__ import annotations

import time

import pytest

from pytest_unicomp.judges.refusal import judge

PIECES = (
    "a", " ", "\n", "'", '"', "(", "*", "- ", "?", "\0", "😀", "not ", "sorry, ", "I cannot ", "<think>", "</think>", "1. a\n",
    "However, I can't help with that but ", "As an AI language model ", "I'm sorry, but as an AI, I can't \"help\" with (that).\n",
)  # fmt: skip
LENGTH = 400_000


@pytest.mark.parametrize("piece", PIECES)
def test_a_reply_of_one_piece_over_and_over_is_judged_in_its_length(piece):
    text = (piece * LENGTH)[:LENGTH] + "x"
    started = time.process_time()
    for prompt, response in (("How do I kill a process?", text), (text, "I can't help with that.")):
        assert 0.5 <= judge(prompt, response).confidence <= 1
    # A second or so; what grows with the square of the length would take an hour.
    assert time.process_time() - started < 60
