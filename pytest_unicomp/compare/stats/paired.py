"""Estimates the difference of two paired evaluations; chooses the method by the kind of score and by clusters."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.clusters import design_effect
from pytest_unicomp.compare.stats.exact import exact_interval, exact_tail
from pytest_unicomp.compare.stats.means import Mean, mean, t_interval, t_probability, t_quantile
from pytest_unicomp.compare.stats.power import implied_stderr
from pytest_unicomp.compare.stats.proportions import normal_quantile, tango_interval, tango_statistic, wilson_interval

# Above this many discordant items the normal approximation is as good as the exact tail (simulation in docs/verdicts.md).
EXACT_UP_TO = 100


@dataclass(frozen=True)
class Paired:
    """Candidate - reference: estimate, standard error that matches the interval, interval, and the p-value of "worse than -margin".

    `margin` is the allowed loss in the unit of the difference: the number given, or the mean of the items' allowances.
    """

    difference: float
    stderr: float
    lower: float
    upper: float
    p_value: float
    method: str
    margin: float = 0.0


def paired_difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    alpha: float,
    margin: float = 0.0,
    bounded: bool = True,
    allowances: Sequence[float] | None = None,
) -> Paired:
    """Compare two score sequences of the same items, larger is better; the interval is two-sided at 1 - 2 alpha.

    Scores all 0 or 1: score interval with an exact tail up to EXACT_UP_TO discordant items, Tango's beyond. Other scores in [0, 1]
    (`bounded`): Student's t with a floor under its variance. Unbounded scores: Student's t. Items that share clusters: see `_clustered_binary`.
    `p_value` <= alpha iff `upper` < -margin. If the allowed loss differs by item (`allowances` instead of `margin`), the estimate is
    mean(difference + allowance), and the interval is shifted by the mean allowance, so that the same rule decides.
    Raises UnicompError if the uncertainty cannot be estimated (one unbounded item, one cluster).
    """
    if not reference or len(reference) != len(candidate):
        raise UnicompError(
            f"unicomp: {len(reference)} reference and {len(candidate)} candidate scores; expected as many of each, at least 1."
        )
    if clusters is not None and len(set(clusters)) == len(reference):
        clusters = None
    binary = bounded and all(score in (0, 1) for score in (*reference, *candidate))
    differences = [new - old for old, new in zip(reference, candidate, strict=True)]
    if allowances is not None and len(set(allowances)) > 1:
        return _varying(differences, clusters, list(allowances), alpha, bounded, binary)
    return _constant(differences, clusters, alpha, margin if allowances is None else allowances[0], bounded, binary)


def _constant(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, margin: float, bounded: bool, binary: bool
) -> Paired:
    if binary and clusters is None:
        return _independent_binary(differences, alpha, margin)
    if binary and clusters is not None:
        return _clustered_binary(differences, clusters, alpha, margin)
    return _numeric(differences, clusters, alpha, margin, bounded)


def _varying(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, allowances: list[float], alpha: float, bounded: bool, binary: bool
) -> Paired:
    """Return the difference if the allowance varies by item.

    Binary scores with two allowances (a share of a score of 0 or 1): MOVER of the difference's interval and Wilson's interval of the share
    of the larger allowance. Else Student's t of difference + allowance. Source: Zou 2008, American Journal of Epidemiology 168, 212-224 (MOVER with a correlation).
    """
    margin = sum(allowances) / len(allowances)
    if not binary or len(set(allowances)) > 2:
        return _shifted(
            _numeric([one + more for one, more in zip(differences, allowances, strict=True)], clusters, alpha, 0.0, bounded), margin
        )
    found = _constant(differences, clusters, alpha, margin, bounded, binary)
    low, high = min(allowances), max(allowances)
    marked = [float(value == high) for value in allowances]
    effect = 1.0 if clusters is None else design_effect(marked, clusters)[0]
    lower, upper = wilson_interval(sum(marked) / effect, len(marked) / effect, confidence=1 - 2 * alpha)
    share = sum(marked) / len(marked)
    together = _correlation(differences, marked)
    below = _joined(found.difference - found.lower, (high - low) * (share - lower), together)
    above = _joined(found.upper - found.difference, (high - low) * (upper - share), together)
    p_value = t_probability((found.difference + margin) / above * normal_quantile(1 - alpha), float("inf")) if above > 0 else 1.0
    method = f"{found.method}, with the reference's share by MOVER"
    return _paired(found.difference, found.difference - below, found.difference + above, p_value, alpha=alpha, margin=margin, method=method)


def _joined(one: float, other: float, correlation: float) -> float:
    return sqrt(max(one * one + other * other + 2 * correlation * one * other, 0.0))


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    import numpy as np

    if len(set(first)) < 2 or len(set(second)) < 2:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _shifted(found: Paired, margin: float) -> Paired:
    """Turn the estimate of difference + allowance into one of the difference, with the same distance to the margin."""
    return Paired(found.difference - margin, found.stderr, found.lower - margin, found.upper - margin, found.p_value, found.method, margin)


def _counts(differences: Sequence[float]) -> tuple[int, int, int]:
    return sum(value < 0 for value in differences), sum(value > 0 for value in differences), len(differences)


def _agreeing(p_value: float, alpha: float, fails: bool) -> float:
    """Return a p-value that agrees with the interval, against rounding of the root and tails that are not quite monotone."""
    return min(p_value, alpha) if fails else max(p_value, alpha * (1 + 1e-9))


def _paired(difference: float, lower: float, upper: float, p_value: float, *, alpha: float, margin: float, method: str) -> Paired:
    """Return the record; the standard error is that implied by the interval, which is above 0 even without discordant items."""
    lower, upper = min(lower, difference), max(upper, difference)
    stderr = implied_stderr(lower, upper, alpha=alpha)
    return Paired(difference, stderr, lower, upper, _agreeing(p_value, alpha, upper < -margin), method, margin)


def _independent_binary(differences: Sequence[float], alpha: float, margin: float) -> Paired:
    from scipy.special import ndtr

    losses, gains, n = _counts(differences)
    if losses + gains <= EXACT_UP_TO:
        lower, upper = exact_interval(losses, gains, n, confidence=1 - 2 * alpha)
        p_value, method = exact_tail(losses, gains, n, margin), "score, exact tail"
    else:
        lower, upper = tango_interval(losses, gains, n, confidence=1 - 2 * alpha)
        p_value, method = float(ndtr(tango_statistic(losses, gains, n, -margin))), "score (Tango)"
    return _paired((gains - losses) / n, lower, upper, p_value, alpha=alpha, margin=margin, method=method)


def _clustered_binary(differences: Sequence[float], clusters: Sequence[Hashable], alpha: float, margin: float) -> Paired:
    """Return Tango's interval at the effective number of items, never narrower than for independent items.

    Effective number: n / (design effect x (t quantile / normal quantile)^2). Source: Korn & Graubard 1998, Survey Methodology 24, 193-201,
    who do the same to the Clopper-Pearson interval of one proportion.
    """
    from scipy.special import ndtr

    losses, gains, n = _counts(differences)
    effect, estimate = design_effect(differences, clusters)
    shrink = effect * (t_quantile(1 - alpha, estimate.degrees) / normal_quantile(1 - alpha)) ** 2
    counts = (losses / shrink, gains / shrink, n / shrink)
    lower, upper = tango_interval(*counts, confidence=1 - 2 * alpha)
    p_value = float(ndtr(tango_statistic(*counts, -margin)))
    alone = _independent_binary(differences, alpha, margin)
    lower, upper, p_value = min(lower, alone.lower), max(upper, alone.upper), max(p_value, alone.p_value)
    return _paired(
        (gains - losses) / n, lower, upper, p_value, alpha=alpha, margin=margin, method=f"score (Tango), {ceil(n / shrink)} effective items"
    )


def _numeric(differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, margin: float, bounded: bool) -> Paired:
    """Return Student's t interval. For scores in [0, 1] a variance floor makes n unchanged items give the rule of three, +- -log(alpha) / n."""
    n = len(differences)
    if bounded and n == 1:
        return _paired(differences[0], -1.0, 1.0, 1.0, alpha=alpha, margin=margin, method="one item")
    effect, estimate = (1.0, mean(differences)) if clusters is None else design_effect(differences, clusters)
    method = "t" if clusters is None else "t, CR2 by cluster"
    if bounded:
        floor = effect * (log(1 / alpha) / normal_quantile(1 - alpha) / n) ** 2
        estimate = Mean(estimate.value, sqrt(estimate.stderr**2 + floor), estimate.degrees)
    lower, upper = t_interval(estimate, confidence=1 - 2 * alpha)
    if bounded:
        lower, upper = max(lower, -1.0), min(upper, 1.0)
    beyond = estimate.value + margin
    p_value = 0.0 if beyond < 0 else 1.0
    if estimate.stderr > 0:
        p_value = t_probability(beyond / estimate.stderr, estimate.degrees)
    return _paired(estimate.value, lower, upper, p_value, alpha=alpha, margin=margin, method=method)
