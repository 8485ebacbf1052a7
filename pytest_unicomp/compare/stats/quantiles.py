"""Quantiles of repeated measurements with intervals that assume no distribution: bounds are values that were measured."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.errors import UnicompError


def quantile_interval(values: Sequence[float], quantile: float, *, confidence: float) -> tuple[float | None, float | None]:
    """Return bounds between which the quantile (in (0, 1)) of what the values were drawn from lies; None where they are too few to give a bound.

    Two-sided, each bound at (1 - confidence) / 2: the number of values below the quantile is binomial, whatever the distribution.
    Source: David & Nagaraja 2003, Order Statistics, section 7.1. Values must be independent.
    """
    if not 0 < quantile < 1 or not 0 < confidence < 1:
        raise UnicompError(f"unicomp: a quantile of {quantile} at confidence {confidence}; expected both above 0 and below 1.")
    from scipy.stats import binom

    ordered, error = sorted(values), (1 - confidence) / 2
    places = range(1, len(ordered) + 1)
    # The k-th smallest lies above the quantile unless k or more values lie below it, and below it where at least k do.
    upper = next((place for place in places if binom.cdf(place - 1, len(ordered), quantile) >= 1 - error), None)
    lower = next((place for place in reversed(places) if binom.sf(place - 1, len(ordered), quantile) >= 1 - error), None)
    return (None if lower is None else ordered[lower - 1]), (None if upper is None else ordered[upper - 1])


def rounds_for(quantile: float, *, confidence: float) -> int:
    """Return the fewest values whose second largest already bounds the quantile from above: one outlier then proves nothing lost."""
    from scipy.stats import binom

    error, count = (1 - confidence) / 2, 2
    while binom.cdf(count - 2, count, quantile) < 1 - error:
        count += 1
    return count
