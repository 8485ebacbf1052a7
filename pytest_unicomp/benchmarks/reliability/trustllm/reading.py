"""The grade of a reply: the label that was found in it, or why none could be read."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.judges.question import JudgeQuestion as JudgeQuestion
from pytest_unicomp.judges.question import judge_question as judge_question

Scoring = Literal["paper", "corrected"]
EMPTY, GARBLED, UNREADABLE, UNJUDGED = "empty", "garbled", "unreadable", "unjudged"
# These count as unanswered: no label could be read from the reply.
UNANSWERED = frozenset({EMPTY, GARBLED, UNREADABLE})
# A reply of at least this many words with at most this many distinct ones is a loop.
LOOP_WORDS, LOOP_DISTINCT = 12, 2
PromptRow = dict[str, Any]


@dataclass(frozen=True)
class Grade:
    """`score` in [0, 1], higher is better, or None if there is none; `said` is the label, or one of the words above."""

    score: float | None
    said: str


class Scorer(ABC):
    """Grades the replies to the prompts of one item; most items have one prompt. A scorer is a frozen dataclass whose fields are its settings."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""

    @property
    def constants(self) -> tuple[str, ...]:
        """Return the replies that name one label each; a model that always gives the best of them is a floor. Empty if there are no labels."""
        return ()

    def questions(self, rows: Sequence[PromptRow], replies: Sequence[str], scoring: Scoring) -> list[JudgeQuestion]:
        """Return the questions that a judge must answer before the item can be graded; none if a rule reads every reply."""
        return []

    @abstractmethod
    def read(self, rows: Sequence[PromptRow], replies: Sequence[str], answers: Sequence[str | None], scoring: Scoring) -> Grade:
        """Return the grade, given the judge's answers to `questions` in their order (None: it failed)."""


def blank(reply: str) -> str | None:
    """Return EMPTY or GARBLED for a reply without content, in any language, else None."""
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
    """Grade a parsed label as 1 or 0. Without a label the score is 0, and `said` is the reason why the reply could not be parsed."""
    if found is None:
        return Grade(0.0, (blank(reply) if reply else None) or UNREADABLE)
    return Grade(float(right), found)


def words(reply: str) -> list[str]:
    """Return the words of a reply in lower case; words with an apostrophe stay whole."""
    return re.findall(r"[^\W_]+(?:['’][^\W_]+)*", reply.lower())


def only(found: Sequence[str]) -> str | None:
    """Return the label if all that were found are the same, else None."""
    return found[0] if len(set(found)) == 1 else None
