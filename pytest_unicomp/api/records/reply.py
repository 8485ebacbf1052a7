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


class ShareChange(Record):
    """A share of replies, 0 to 1, in reference and candidate, with the interval of the paired difference (None: its uncertainty is not known).

    `p_value` is that of "it rose by more than five points" (`compare.replies.RISE`); None as the interval is.
    """

    reference: float
    candidate: float
    difference: float
    interval: tuple[float, float] | None
    p_value: float | None = None


class ReplyChange(Record):
    """How generated replies changed, over the `n` items whose replies both sides recorded; None for what a backend does not tell.

    `tokens` are the mean lengths (reference, candidate), `length_ratio` the geometric mean of candidate / reference over items. Shares: replies that
    the token limit cut, that repeat themselves to the end, that end in mid-thought, and that are wrong with the right answer in their thoughts.
    """

    n: int
    tokens: tuple[float, float] | None
    length_ratio: float | None
    length_ratio_interval: tuple[float, float] | None
    truncated: ShareChange | None
    looping: ShareChange | None
    unfinished: ShareChange | None
    only_in_thoughts: ShareChange | None
