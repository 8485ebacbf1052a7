"""The record of one generated reply: how long it is, how it ended, and what the model thought before it."""

from __future__ import annotations

from pytest_unicomp.api.records.record import Record


class Reply(Record):
    """One generated reply to an item. What its backend does not tell is None: never zero, and never "no".

    `tokens` counts the generated tokens, thoughts included; `truncated` says that the token limit ended the reply, `looping` that it repeats itself
    to the end (`engine/loops.py`). `thoughts` is the text before the answer of a model that marks its thoughts, None for one that marks none;
    `unfinished` says that the reply ended in mid-thought. `answer` is what is scored, `score` its score in [0, 1], None if it has none.
    """

    answer: str
    score: float | None
    tokens: int | None = None
    truncated: bool | None = None
    looping: bool | None = None
    thoughts: str | None = None
    unfinished: bool = False
