"""Chooses the flipped items that a reviewer should read: losses first, from the worst benchmarks, a bounded number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.records import Check, Example
from pytest_unicomp.report.matrix import Row

SHOWN_IN_ALL = 160
SHOWN_PER_RECIPE = (5, 20)
LONGEST_TEXT = 1500
_ORDER = {"lost": 0, "changed": 1, "gained": 2}


@dataclass(frozen=True)
class Flip:
    """A flipped item with the benchmark it belongs to."""

    benchmark: str
    example: Example


@dataclass(frozen=True)
class Group:
    """What is shown of one recipe's flips, out of `kept` in the report."""

    row: Row
    shown: tuple[Flip, ...]
    kept: int


def groups(rows: Sequence[Row]) -> tuple[Group, ...]:
    """Return the flips to show, recipe by recipe; recipes without any are left out."""
    most = budget(len(rows))
    found = (Group(row, worst(row.checks, most), sum(len(check.examples) for check in _asked(row.checks))) for row in rows)
    return tuple(group for group in found if group.shown)


def _asked(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.question == "retention"]


def budget(recipes: int) -> int:
    """Return how many flips each of `recipes` may show, so that a page with many recipes stays a page."""
    fewest, most = SHOWN_PER_RECIPE
    return max(fewest, min(most, SHOWN_IN_ALL // max(1, recipes)))


def worst(checks: Sequence[Check], most: int) -> tuple[Flip, ...]:
    """Return at most `most` flips of one recipe: lost before changed before gained, one benchmark after the other, the worst first."""
    ranked = sorted(_asked(checks), key=lambda check: (check.difference is None, check.difference or 0.0, check.benchmark))
    candidates = [
        (_ORDER[example.kind], turn, rank, Flip(check.benchmark, example))
        for rank, check in enumerate(ranked)
        for kind in _ORDER
        for turn, example in enumerate(example for example in check.examples if example.kind == kind)
    ]
    candidates.sort(key=lambda candidate: candidate[:3])
    return tuple(flip for *_, flip in candidates[:most])


def shortened(text: str) -> tuple[str, int]:
    """Return the beginning of a text and how many characters were left out."""
    left_out = max(0, len(text) - LONGEST_TEXT)
    return text[:LONGEST_TEXT], left_out
