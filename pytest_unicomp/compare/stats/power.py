"""Power of a set of items: the smallest detectable effect, and how many items a decision needs."""

from __future__ import annotations

from math import ceil

from pytest_unicomp.compare.stats.proportions import normal_quantile

POWER = 0.8


def implied_stderr(lower: float, upper: float, *, alpha: float) -> float:
    """Return the standard error for which the normal interval at 1 - 2 alpha is as wide as this one; above 0 for every score interval."""
    return (upper - lower) / 2 / normal_quantile(1 - alpha)


def minimum_detectable_effect(stderr: float, *, alpha: float, power: float = POWER) -> float:
    """Return the smallest true difference that a one-sided test at `alpha` detects with `power`, in the unit of `stderr`.

    (z(1 - alpha) + z(power)) x stderr. Source: Bloom 1995, Evaluation Review 19, 547-556.
    """
    return (normal_quantile(1 - alpha) + normal_quantile(power)) * stderr


def required_items(stderr: float, n: int, distance: float, *, alpha: float, power: float = POWER) -> int | None:
    """Return how many items decide with `power`, if the true difference is `distance` from the margin and n items gave `stderr`.

    n x ((z(1 - alpha) + z(power)) x stderr / distance)^2, as standard errors shrink with the root of n; None at distance 0.
    Source: the same normal approximation, solved for n (Julious 2004, Statistics in Medicine 23, 1921-1986, section 4.2).
    """
    if distance == 0:
        return None
    return max(1, ceil(n * (minimum_detectable_effect(stderr, alpha=alpha, power=power) / distance) ** 2))


def passing_probability(below: float, margin: float, *, alpha: float) -> float:
    """Return the probability that a non-inferiority test at `margin` passes if nothing is lost and its interval ends `below` the estimate.

    Phi(z (margin / below - 1)) with z = z(1 - alpha), since the standard error is below / z; 1 if the interval has no width.
    Source: the normal approximation of the power of the one-sided test (Julious 2004, Statistics in Medicine 23, 1921-1986, section 4.2).
    """
    from scipy.special import ndtr

    return 1.0 if below == 0 else float(ndtr(normal_quantile(1 - alpha) * (margin / below - 1)))
