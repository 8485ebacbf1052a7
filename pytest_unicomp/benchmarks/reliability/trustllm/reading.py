"""How one reply is read: the label that was found in it, and whether there was anything to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pytest_unicomp.judges.question import JudgeQuestion as JudgeQuestion
from pytest_unicomp.judges.question import judge_question as judge_question

Scoring = Literal["paper", "corrected"]
EMPTY, GARBLED, UNREADABLE, UNJUDGED = "empty", "garbled", "unreadable", "unjudged"
# What counts as unanswered: no label could be read from it.
UNANSWERED = frozenset({EMPTY, GARBLED, UNREADABLE})
# A reply of so many words that are always the same one or two is a loop.
LOOP_WORDS, LOOP_DISTINCT = 12, 2
PromptRow = dict[str, Any]


@dataclass(frozen=True)
class Grade:
    """`score` in [0, 1], higher is better, or None where there is none; `said` is the label, or one of the words above."""

    score: float | None
    said: str


class Scorer(Protocol):
    """Reads the replies to the prompts of one item; most items have one prompt."""

    @property
    def name(self) -> str:
        """How an item gets its score, in one phrase."""
        ...

    @property
    def constants(self) -> tuple[str, ...]:
        """The replies that name one label each; a model that always gives the best of them is a floor. Empty where there are no labels."""
        ...

    def questions(self, rows: Sequence[PromptRow], replies: Sequence[str], scoring: Scoring) -> list[JudgeQuestion]:
        """Return what a judge must say before the item can be read; empty where nothing."""
        ...

    def read(self, rows: Sequence[PromptRow], replies: Sequence[str], answers: Sequence[str | None], scoring: Scoring) -> Grade:
        """Return the reading, with the judge's answers to `questions` in their order (None: it failed)."""
        ...


def blank(reply: str) -> str | None:
    """Return EMPTY or GARBLED for a reply that says nothing, in whatever language; None for one that says something."""
    text = reply.strip()
    if not text:
        return EMPTY
    letters = sum(character.isalnum() for character in text)
    said = words(text)
    looping = len(said) >= LOOP_WORDS and len(set(said)) <= LOOP_DISTINCT
    if looping or letters * 3 < len(text.replace(" ", "")) or re.fullmatch(r"(.{1,8}?)\1{7,}.{0,8}", text, re.DOTALL):
        return GARBLED
    return None


def judged(found: str | None, right: bool, reply: str = "") -> Grade:
    """Return a reading that is right or wrong; without a label it is wrong, and counted as unanswered, with what is the matter with the reply."""
    if found is None:
        return Grade(0.0, (blank(reply) if reply else None) or UNREADABLE)
    return Grade(float(right), found)


def words(reply: str) -> list[str]:
    """Return the words of a reply in lower case; those with an apostrophe stay whole."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", reply.lower())


def only(found: Sequence[str]) -> str | None:
    """Return the label where all that were found are the same, else None."""
    return found[0] if len(set(found)) == 1 else None
