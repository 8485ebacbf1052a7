"""Finds the labels that a reply mentions, and how: affirmed, denied, or left open, such as labels offered side by side ("A or B", "yes/no")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from pytest_unicomp.judges.negation import Status, status

# Writing without spaces has no word boundaries: the "B" of "答案是B" is a word of its own.
UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
OPENS = rf"(?<![^\W{UNSPACED}])(?<!['-])"
CLOSES = rf"(?![^\W{UNSPACED}])(?!['-]\w)"

JOINED = re.compile(
    r"\W*(?:\b(?:\w+\W+){0,3}or|and|&|nor|versus|vs|/|\|)(?:\W+(?:maybe|perhaps|possibly|even|also|option|answer|with))?\W*", re.IGNORECASE
)
SIDE_BY_SIDE = re.compile(r"[^\w&/|]*")
ENDS_THE_LIST = re.compile(r"\W*$|\s*[,/|]\s*\w|\s+(?:or|and)\b", re.IGNORECASE)
# "B and A is wrong" makes two statements; "A and B are possible" offers both.
OWN_CLAUSE = re.compile(r"\s+(?:is|was|would|being|because)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A label in a text, from `start` to `end`, and what the text does with it."""

    label: str
    start: int
    end: int
    status: Status


def mentions(text: str, labels: Mapping[str, str]) -> list[Mention]:
    """Return every mention of a label in a plain text, in order; `labels` maps a label to the pattern of its words, read in any case."""
    return told_apart(
        text,
        (
            (label, match.start(), match.end())
            for label, pattern in labels.items()
            for match in re.finditer(rf"(?i){OPENS}(?:{pattern}){CLOSES}", text)
        ),
    )


def told_apart(text: str, places: Iterable[tuple[str, int, int]]) -> list[Mention]:
    """Return the mentions at the given places (label, start, end) in order, with their status."""
    found = [Mention(label, start, end, status(text, start, end)) for label, start, end in sorted(places, key=lambda place: place[1:])]
    offered = {place for one, two in pairwise(found) if _coordinated(text, one, two) for place in (one, two)}
    return [replace(one, status="open") if one in offered else one for one in found]


def _coordinated(text: str, one: Mention, two: Mention) -> bool:
    if one.label == two.label or (one.status, two.status) != ("affirmed", "affirmed"):
        return False
    between, behind = text[one.end : two.start], text[two.end :]
    if SIDE_BY_SIDE.fullmatch(between):
        return ENDS_THE_LIST.match(behind) is not None
    return JOINED.fullmatch(between) is not None and OWN_CLAUSE.match(behind) is None
