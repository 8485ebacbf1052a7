"""Chooses which flipped items the page shows: a bounded number, losses first, from the worst benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.api.records import Check, Example
from pytest_unicomp.report.matrix import RecipeRow
from pytest_unicomp.report.visible import one_line

SHOWN_IN_ALL = 160
SHOWN_PER_RECIPE = (8, 20)
LEAST_SHARE = 5
LONGEST_TEXT = 1500
LONGEST_SUMMARY = 48
_ORDER = {"lost": 0, "changed": 1, "gained": 2}


@dataclass(frozen=True)
class Flip:
    """A flipped item with its recipe and benchmark."""

    recipe: str
    benchmark: str
    example: Example

    @property
    def before(self) -> str:
        """The reference's answer, shortened to one line."""
        return _summary(self.example.reference_answer)

    @property
    def after(self) -> str:
        """The candidate's answer, shortened to one line."""
        return _summary(self.example.candidate_answer)


def chosen(rows: Sequence[RecipeRow]) -> tuple[Flip, ...]:
    """Return the flips to show, recipe by recipe in the order of the matrix."""
    most = budget(len(rows))
    return tuple(flip for row in rows for flip in worst(row.checks, most))


def kept(rows: Sequence[RecipeRow]) -> int:
    """Return how many flips the report holds."""
    return sum(len(check.examples) for row in rows for check in _retention_checks(row.checks))


def budget(recipes: int) -> int:
    """Return how many flips each of `recipes` recipes may show, so that the page stays readable with many recipes."""
    fewest, most = SHOWN_PER_RECIPE
    return max(fewest, min(most, SHOWN_IN_ALL // max(1, recipes)))


def worst(checks: Sequence[Check], most: int) -> tuple[Flip, ...]:
    """Return at most `most` flips of one recipe: lost, then changed, then gained, in turn from each benchmark, the worst benchmark first.

    One part in LEAST_SHARE is reserved for changed and one for gained items, so that the filters show some even if most flips are losses.
    """
    ranked = sorted(_retention_checks(checks), key=lambda check: (check.difference is None, check.difference or 0.0, check.benchmark))
    candidates = [
        (_ORDER[example.kind], turn, rank, Flip(check.recipe, check.benchmark, example))
        for rank, check in enumerate(ranked)
        for kind in _ORDER
        for turn, example in enumerate(example for example in check.examples if example.kind == kind)
    ]
    candidates.sort(key=lambda candidate: candidate[:3])
    kinds = [[candidate for candidate in candidates if candidate[0] == order] for order in _ORDER.values()]
    share = max(1, most // LEAST_SHARE)
    first = [candidate for kind in kinds for candidate in kind[: most - 2 * share if kind is kinds[0] else share]]
    others = [candidate for candidate in candidates if candidate not in first]
    taken = sorted([*first, *others[: most - len(first)]], key=lambda candidate: candidate[:3])
    return tuple(flip for *_, flip in taken)


def shortened(text: str) -> tuple[str, int]:
    """Return the first LONGEST_TEXT characters of a text, and how many were left out."""
    left_out = max(0, len(text) - LONGEST_TEXT)
    return text[:LONGEST_TEXT], left_out


def _retention_checks(checks: Sequence[Check]) -> list[Check]:
    return [check for check in checks if check.question == "retention"]


def _summary(text: str) -> str:
    line = one_line(text[: 20 * LONGEST_SUMMARY])
    return line if len(line) <= LONGEST_SUMMARY else line[: LONGEST_SUMMARY - 1] + "…"
