"""Power of a set of items: the smallest detectable effect, and how many items a decision needs."""

from __future__ import annotations

from math import ceil, log, sqrt

from pytest_unicomp.compare.stats.proportions import constrained_gain_rate, normal_quantile

POWER = 0.8


def implied_stderr(lower: float, upper: float, *, alpha: float) -> float:
    """Return the standard error for which the normal interval at 1 - 2 alpha is as wide as this one; above 0 for every score interval."""
    return (upper - lower) / 2 / normal_quantile(1 - alpha)


def minimum_detectable_effect(stderr: float, *, alpha: float, power: float = POWER) -> float:
    """Return the smallest true difference that a one-sided test at `alpha` detects with `power`, in the unit of `stderr`.

    (z(1 - alpha) + z(power)) x stderr. Source: Bloom 1995, Evaluation Review 19, 547-556.
    """
    return (normal_quantile(1 - alpha) + normal_quantile(power)) * stderr


def items_to_decide(
    spread: float,
    margin: float,
    *,
    alpha: float,
    difference: float = 0.0,
    design_effect: float = 1.0,
    rate: bool = True,
    power: float = POWER,
) -> int | None:
    """Return how many items decide with `power` whether more than `margin` is lost, if the true difference is `difference`; None if it is -margin.

    `spread` is the mean square of an item's difference: for right-or-wrong items (`rate`) the discordance. ((z(1 - alpha) x s0 + z(power) x s1) /
    (margin + difference))^2 x design effect, with s1^2 = spread - difference^2; s0^2 is the variance that the score test assumes at the margin for
    rates, and s1^2 for other scores. Never fewer than the rule of three asks for without any flip, and no more if
    so many items are likely to have none.
    Source: Liu, Hsueh, Hsieh & Chen 2002, Statistics in Medicine 21, 231-245 (sample size of the paired non-inferiority test, restricted estimates).
    """
    distance = margin + difference
    if distance == 0:
        return None
    here = max(spread - difference**2, 0.0)
    limit = here
    if rate:
        loss = min(max(margin, 0.0), 1 - 1e-9)
        discordance = max(spread, abs(difference))
        lost, gained = (discordance - difference) / 2, (discordance + difference) / 2
        limit = max(0.0, 2 * float(constrained_gain_rate(lost, gained, 1.0, loss)) + loss * (1 - loss))
    least = log(alpha) / log(1 - min(abs(distance), 0.999)) if rate else 0.0
    if rate and difference == 0 and (1 - spread) ** least >= power:
        return max(2, ceil(design_effect * least))
    needed = ((normal_quantile(1 - alpha) * sqrt(limit) + normal_quantile(power) * sqrt(here)) / distance) ** 2
    return max(2, ceil(design_effect * max(needed, least)))
