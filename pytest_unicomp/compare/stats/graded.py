"""The score interval for differences between -1 and 1 that are not whole numbers (partial credit); whole numbers give that of right-or-wrong items."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor
from typing import Any

from pytest_unicomp.compare.stats.exact import exact_interval, exact_tail
from pytest_unicomp.compare.stats.proportions import normal_quantile, tango_interval, tango_statistic

# Up to this many discordant items the tail is summed; above, the normal approximation is as good (simulation in docs/error-rates.md).
EXACT_UP_TO = 100
# Whole flips added before small differences are taken to be small for good: as many as the rule of three cannot exclude.
HIDDEN_FLIPS = 3.0
_ROUNDING = 1e-9


def flip_size(total: Any, squares: Any) -> Any:
    """Return the mean square of the differences relative to their mean size, in (0, 1]: 1 if all are whole flips; accepts arrays.

    `total` sums the absolute differences, `squares` their squares. An item's difference x in [-1, 1] varies as much as a whole flip that
    happens with probability |x|, or less; this is the share, with HIDDEN_FLIPS whole flips added, since small differences do not
    exclude rare large ones.
    """
    import numpy as np

    share = (squares + HIDDEN_FLIPS) / (total + HIDDEN_FLIPS)
    return np.where(np.abs(squares - total) <= _ROUNDING * np.maximum(total, 1.0), 1.0, np.minimum(share, 1.0))


def effective(lost: float, gained: float, n: float) -> tuple[float, float, int]:
    """Return counts for a whole number of items; the rates of lost and gained stay."""
    whole = max(1, floor(n + _ROUNDING))
    lost, gained = (_rounded(count * whole / n) for count in (lost, gained))
    return lost, gained, whole


def _rounded(count: float) -> float:
    return float(round(count)) if abs(count - round(count)) <= _ROUNDING * max(1.0, count) else count


def score_interval(lost: float, gained: float, n: float, *, alpha: float) -> tuple[float, float]:
    """Return the interval, two-sided at 1 - 2 alpha, for independent items: exact tails if few are discordant, Tango's interval beyond.

    Between whole counts the ends are interpolated, so that an interval changes no more than the scores do.
    """
    lost, gained, whole = effective(lost, gained, n)
    if lost + gained > EXACT_UP_TO:
        return tango_interval(lost, gained, whole, confidence=1 - 2 * alpha)
    ends = [(weight, exact_interval(*counts, whole, confidence=1 - 2 * alpha)) for weight, counts in corners(lost, gained, whole)]
    return sum(weight * low for weight, (low, _) in ends), sum(weight * high for weight, (_, high) in ends)


def score_tail(lost: float, gained: float, n: float, loss: float) -> float:
    """Return the p-value of "more than `loss` is lost" for independent items, by the test that `score_interval` inverts."""
    from scipy.special import ndtr

    lost, gained, whole = effective(lost, gained, n)
    if lost + gained > EXACT_UP_TO:
        return float(ndtr(tango_statistic(lost, gained, whole, -loss)))
    return sum(weight * exact_tail(*counts, whole, loss) for weight, counts in corners(lost, gained, whole))


def corners(lost: float, gained: float, n: int) -> list[tuple[float, tuple[int, int]]]:
    """Return the whole counts around fractional ones, with the weights of bilinear interpolation; whole counts are their only corner."""
    found = []
    for losses, share in _sides(lost):
        for gains, other in _sides(gained):
            found.append((share * other, (losses, min(gains, n - losses))))
    return found


def _sides(count: float) -> list[tuple[int, float]]:
    low, high = floor(count), ceil(count)
    return [(low, 1.0)] if low == high else [(low, high - count), (high, count - low)]


def decide_one(
    lost: float, gained: float, n: float, *, margin: float, alpha: float, tail: Callable[..., float] = exact_tail
) -> tuple[bool, bool]:
    """Return (passes, fails) of the interval of `score_interval` at the margin; its ends are computed only if the corners disagree."""
    lost, gained, whole = effective(lost, gained, n)
    if lost + gained > EXACT_UP_TO:
        statistic, limit = tango_statistic(lost, gained, whole, -min(margin, 1.0)), normal_quantile(1 - alpha)
        return statistic > limit, statistic < -limit
    if margin >= 1:
        # No difference is that large, so there is no rate to test; only if all is lost does the interval reach down to -1.
        return score_interval(lost, gained, whole, alpha=alpha)[0] > -margin, False
    counts = [count for _, count in corners(lost, gained, whole)]
    passes = {tail(gains, losses, whole, -margin) <= alpha for losses, gains in counts}
    fails = {tail(losses, gains, whole, margin) <= alpha for losses, gains in counts}
    if len(passes) == len(fails) == 1:
        return passes.pop(), fails.pop()
    lower, upper = score_interval(lost, gained, whole, alpha=alpha)
    return lower > -margin, upper < -margin
