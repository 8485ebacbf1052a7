"""Means of scores with their standard errors, as the records of a report hold them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.records import Estimate
from pytest_unicomp.compare import stats


def estimate(scores: Sequence[float], *, rate: bool = False) -> Estimate:
    """Return the mean of scores with its standard error: no value for no score, no error for one.

    A `rate` (scores in [0, 1]) that is 0 or 100 % gets the error of Agresti and Coull (`stats.extreme_rate_stderr`), since the scores' own
    spread is 0 there.
    """
    if len(scores) < 2:
        return Estimate(value=scores[0] if scores else None)
    found = stats.mean(scores)
    extreme = rate and found.value in (0, 1)
    return Estimate(value=found.value, stderr=stats.extreme_rate_stderr(len(scores)) if extreme else found.stderr)
