"""Score intervals for one proportion and for the difference of two paired ones; counts may be fractional (effective sizes)."""

from __future__ import annotations

from math import sqrt
from typing import Any

from pytest_unicomp.api.errors import UnicompError

# A hair inside (-1, 1), where the score statistic is finite.
_EDGE = 1 - 1e-9


def extreme_rate_stderr(n: int) -> float:
    """Return the standard error of a rate of 0 or 100 % on n items, for which the usual estimate is 0.

    It is that of the rate with two successes and two failures added. Source: Agresti & Coull 1998, The American Statistician 52, 119-126.
    """
    added = 2 / (n + 4)
    return sqrt(added * (1 - added) / (n + 4))


def check_counts(losses: float, gains: float, n: float) -> None:
    """Raise UnicompError unless the counts of discordant pairs are possible among n pairs."""
    if not (n > 0 and losses >= 0 and gains >= 0 and losses + gains <= n * (1 + 1e-12)):
        raise UnicompError(
            f"unicomp: {losses} lost and {gains} gained of {n} items; expected counts of at least 0 that sum to at most n >= 1."
        )


def normal_quantile(probability: float) -> float:
    """Return the quantile of the standard normal distribution at `probability`, in (0, 1)."""
    from scipy.special import ndtri

    return float(ndtri(probability))


def wilson_interval(successes: float, n: float, *, confidence: float) -> tuple[float, float]:
    """Two-sided score interval for one proportion, in [0, 1]; n may be an effective size.

    Source: Wilson 1927, JASA 22, 209-212; formula as in Brown, Cai & DasGupta 2001, Statistical Science 16, equation 4.
    """
    check_counts(successes, 0, n)
    z = normal_quantile((1 + confidence) / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n))
    return (0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == n else min(1.0, centre + half))


def constrained_gain_rate(losses: Any, gains: Any, n: Any, loss: Any) -> Any:
    """Return the maximum-likelihood rate of gained items given (rate lost - rate gained) = loss; accepts numbers or arrays of counts.

    Source: Tango 1998, Statistics in Medicine 17, 891-908, section 3 (q21 as the larger root of A q^2 + B q + C).
    """
    import numpy as np

    linear = (2 * n - losses + gains) * loss - losses - gains
    constant = -gains * loss * (1 - loss)
    rate = (np.sqrt(np.maximum(linear * linear - 8 * n * constant, 0.0)) - linear) / (4 * n)
    return np.clip(rate, np.maximum(0.0, -loss), (1 - loss) / 2)


def score(losses: Any, gains: Any, n: Any, loss: Any) -> Any:
    """Return Tango's statistic for a loss (rate lost - rate gained); accepts arrays; 0 if the counts agree with `loss` exactly."""
    import numpy as np

    distance = losses - gains - n * loss
    variance = n * (2 * constrained_gain_rate(losses, gains, n, loss) + loss * (1 - loss))
    safe = np.where(variance > 1e-15 * n, variance, 1.0)
    degenerate = np.where(np.abs(distance) < 1e-9, 0.0, np.where(distance > 0, np.inf, -np.inf))
    return np.where(variance > 1e-15 * n, distance / np.sqrt(safe), degenerate)


def tango_statistic(losses: float, gains: float, n: float, difference: float) -> float:
    """Score statistic of H0: rate(candidate) - rate(reference) = difference; standard normal under H0, negative if the candidate is worse.

    `losses` were right in the reference only, `gains` in the candidate only. With difference = 0 it is McNemar's (gains - losses) / sqrt(losses + gains).
    Source: Tango 1998, Statistics in Medicine 17, 891-908, equation 4.
    """
    check_counts(losses, gains, n)
    return -float(score(losses, gains, n, min(max(-difference, -_EDGE), _EDGE)))


def tango_interval(losses: float, gains: float, n: float, *, confidence: float) -> tuple[float, float]:
    """Two-sided score interval for rate(candidate) - rate(reference), in [-1, 1]; its width is above 0 even without discordant items.

    Source: Tango 1998, Statistics in Medicine 17, 891-908 (the differences whose score statistic stays within the normal quantiles).
    """
    check_counts(losses, gains, n)
    z = normal_quantile((1 + confidence) / 2)
    return -_largest_loss(losses, gains, n, z), _largest_loss(gains, losses, n, z)


def _largest_loss(losses: float, gains: float, n: float, z: float) -> float:
    from scipy.optimize import brentq

    estimate = (losses - gains) / n
    if estimate >= _EDGE:
        return 1.0
    low = max(estimate, -_EDGE)
    return float(brentq(lambda loss: float(score(losses, gains, n, loss)) + z, low, _EDGE))
