"""Estimates the interval of a score, from resamples of items if they have a spread, else from the checks of its capability."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_unicomp.api.records import Check, RecipeVerdict
from pytest_unicomp.report.scores.quality import CAPABILITY

Bounds = tuple[float, float]


def score_interval(recipe: RecipeVerdict, score: str, checks: Sequence[Check]) -> Bounds | None:
    """Return the interval of a quality score in percent of the reference, None if it is not known.

    If no item of the score changed, resampling items has no spread, although more items could show a change. Then it is the interval of the
    mean over the capability's benchmarks of 100 x (1 + difference / reference), by the paired intervals of `checks` (MOVER).
    """
    value, known = recipe.scores.get(score), recipe.score_intervals.get(score)
    if value is None or known is not None:
        return known
    parts = [
        (100 * (check.difference - check.interval[0]) / before, 100 * (check.interval[1] - check.difference) / before)
        for check in checks
        if check.question == "retention" and check.capability == CAPABILITY.get(score) and check.higher_is_better
        if check.difference is not None and check.interval is not None and (before := check.reference.value)
    ]
    if not parts:
        return None
    below, above = (math.sqrt(math.fsum(part[side] ** 2 for part in parts)) / len(parts) for side in (0, 1))
    return value - below, value + above


def mean_interval(values: Sequence[float], intervals: Sequence[Bounds | None]) -> Bounds | None:
    """Return the interval of the mean of independent values (MOVER), None if one has no interval.

    Source: Zou & Donner 2008, Statistics in Medicine 27, 1693-1702.
    """
    known = [bounds for bounds in intervals if bounds is not None]
    if not known or len(known) < len(intervals):
        return None
    centre = math.fsum(values) / len(values)
    below = math.sqrt(math.fsum((value - low) ** 2 for value, (low, _) in zip(values, known, strict=True))) / len(values)
    above = math.sqrt(math.fsum((high - value) ** 2 for value, (_, high) in zip(values, known, strict=True))) / len(values)
    return centre - below, centre + above
