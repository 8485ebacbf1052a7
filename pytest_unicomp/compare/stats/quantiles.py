"""Distribution-free intervals for quantiles of repeated measurements; the bounds are order statistics."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.errors import UnicompError


def quantile_interval(values: Sequence[float], quantile: float, *, confidence: float) -> tuple[float | None, float | None]:
    """Return the interval of a quantile, in (0, 1), of the distribution of independent values; None for a bound that needs more values.

    Two-sided, each bound at (1 - confidence) / 2: the number of values below the quantile is binomial for every distribution.
    Source: David & Nagaraja 2003, Order Statistics, section 7.1. Raises UnicompError for a quantile or confidence outside (0, 1).
    """
    if not 0 < quantile < 1 or not 0 < confidence < 1:
        raise UnicompError(f"unicomp: a quantile of {quantile} at confidence {confidence}; expected both above 0 and below 1.")
    from scipy.stats import binom

    ordered, error = sorted(values), (1 - confidence) / 2
    places = range(1, len(ordered) + 1)
    # The k-th smallest value is above the quantile iff fewer than k values are below the quantile.
    upper = next((place for place in places if binom.cdf(place - 1, len(ordered), quantile) >= 1 - error), None)
    lower = next((place for place in reversed(places) if binom.sf(place - 1, len(ordered), quantile) >= 1 - error), None)
    return (None if lower is None else ordered[lower - 1]), (None if upper is None else ordered[upper - 1])


def rounds_for(quantile: float, *, confidence: float) -> int:
    """Return the fewest values whose second largest bounds the quantile from above, so that one outlier alone cannot fail a limit."""
    from scipy.stats import binom

    error, count = (1 - confidence) / 2, 2
    while binom.cdf(count - 2, count, quantile) < 1 - error:
        count += 1
    return count
