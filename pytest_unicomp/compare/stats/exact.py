"""Score test with an exact trinomial tail instead of the normal approximation, for evaluations with few flips."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from pytest_unicomp.compare.stats.proportions import check_counts, constrained_gain_rate, score, tango_interval

if TYPE_CHECKING:
    import numpy as np

# The sum covers this many standard deviations plus a constant for tiny rates; it leaves out less than 1e-7 of the probability.
_DEVIATIONS, _SPARE = 5.6, 14


def exact_tail(losses: int, gains: int, n: int, loss: float) -> float:
    """Return P(score statistic at least as large as observed | rate lost - rate gained = loss), the one-sided p-value of "more is lost".

    The trinomial is summed over all outcomes, with the nuisance rate at its constrained maximum-likelihood value ("E p-value").
    Source: Lloyd & Moldovan 2008, Statistics in Medicine 27, 3540-3549 (without their further maximization); statistic of Tango 1998.
    """
    check_counts(losses, gains, n)
    if loss >= 1:
        return 1.0
    gain = float(constrained_gain_rate(float(losses), float(gains), n, loss))
    lost = max(gain + loss, 0.0)
    some_lost, some_gained = _window(n, lost), _window(n, gain)
    probability = _trinomial(some_lost[:, None], some_gained[None, :], n, lost, gain)
    statistic = score(some_lost[:, None], some_gained[None, :], n, loss)
    observed = float(score(float(losses), float(gains), n, loss))
    return min(1.0, float(probability[statistic >= observed - 1e-9].sum()))


def _window(n: int, rate: float) -> np.ndarray:
    import numpy as np

    half = _DEVIATIONS * (n * rate * (1 - rate)) ** 0.5 + _SPARE
    return np.arange(max(0, int(n * rate - half)), min(n, int(n * rate + half)) + 1)


def _trinomial(lost: np.ndarray, gained: np.ndarray, n: int, lost_rate: float, gained_rate: float) -> np.ndarray:
    import numpy as np
    from scipy.special import gammaln, xlogy

    same = n - lost - gained
    possible = same >= 0
    same = np.where(possible, same, 0.0)
    # The same numbers recur all over the window, so each is looked up; of many items the window holds a few.
    least = max(0, n - int(lost.max()) - int(gained.max()))
    factorials = gammaln(np.arange(least, n + 1) + 1.0)
    same_rate = max(1 - lost_rate - gained_rate, 0.0)
    logarithm = gammaln(n + 1) - gammaln(lost + 1) - gammaln(gained + 1) - factorials[same.astype(int) - least]
    logarithm = logarithm + xlogy(lost, lost_rate) + xlogy(gained, gained_rate) + xlogy(same, same_rate)
    return np.where(possible, np.exp(logarithm), 0.0)


def exact_interval(losses: int, gains: int, n: int, *, confidence: float) -> tuple[float, float]:
    """Two-sided interval for rate(candidate) - rate(reference) whose ends have a one-sided tail of (1 - confidence) / 2 each.

    With no discordant item it is the rule of three, +-(1 - tail ** (1 / n)); the normal approximation is too narrow there.
    """
    check_counts(losses, gains, n)
    alpha = (1 - confidence) / 2
    low, high = tango_interval(losses, gains, n, confidence=confidence)
    return _smallest(gains, losses, n, alpha, low), -_smallest(losses, gains, n, alpha, -high)


def _smallest(losses: int, gains: int, n: int, alpha: float, start: float) -> float:
    """Return the smallest loss that the test at `alpha` does not reject, searched from `start`, the normal approximation."""
    from scipy.optimize import brentq

    estimate = (losses - gains) / n
    step = max(estimate - start, -log(alpha) / n)
    low = start
    while low > -1 and exact_tail(losses, gains, n, low) > alpha:
        low -= step / 2
    if low <= -1:
        return -1.0
    return float(brentq(lambda loss: exact_tail(losses, gains, n, loss) - alpha, low, estimate, xtol=1e-7))
