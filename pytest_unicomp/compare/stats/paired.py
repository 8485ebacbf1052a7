"""Estimates the difference of two paired evaluations, by the score interval, for items alone and in clusters, bounded and not."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, fsum, sqrt

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.clusters import cluster_sums, cluster_totals, design_effect, design_effects
from pytest_unicomp.compare.stats.graded import EXACT_UP_TO, flip_size, score_interval, score_tail
from pytest_unicomp.compare.stats.means import Mean, clustered_mean, mean, t_interval, t_probability, t_quantile
from pytest_unicomp.compare.stats.power import implied_stderr
from pytest_unicomp.compare.stats.proportions import normal_quantile, tango_interval, tango_statistic, wilson_interval
from pytest_unicomp.compare.stats.unbounded import hidden_variance, largest_difference, skewness, tailed_factors


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

    Scores in [0, 1] (`bounded`): score interval with an exact tail up to EXACT_UP_TO discordant items, Tango's beyond, for partial credit as
    for right or wrong. Unbounded scores: the wider of that, scaled to the `largest_difference`, and Student's t with room for a long tail.
    Items that share clusters: see `_scored`. `p_value` <= alpha iff `upper` < -margin. If the allowed loss differs by item (`allowances`
    instead of `margin`), the interval holds the uncertainty of the mean allowance too, so that the same rule decides.
    Raises UnicompError if the uncertainty cannot be estimated (one unbounded item, unbounded scores that are all 0, one cluster).
    """
    if not reference or len(reference) != len(candidate):
        raise UnicompError(
            f"unicomp: {len(reference)} reference and {len(candidate)} candidate scores; expected as many of each, at least 1."
        )
    if clusters is not None and len(set(clusters)) == len(reference):
        clusters = None
    differences = [new - old for old, new in zip(reference, candidate, strict=True)]
    within = bounded and all(0 <= score <= 1 for score in (*reference, *candidate))
    size = None if within else largest_difference(reference, candidate)
    if allowances is not None and len(set(allowances)) > 1:
        return _varying(differences, clusters, list(allowances), alpha, size)
    return _constant(differences, clusters, alpha, margin if allowances is None else allowances[0], size)


def _constant(differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, margin: float, size: float | None) -> Paired:
    """Return the difference if every item is allowed the same; `size` None: scores in [0, 1]."""
    if size is None:
        return _scored(differences, clusters, alpha, margin)
    scaled = [value / size for value in differences]
    found = _scored(scaled, clusters, alpha, margin / size)
    tailed = _tailed(differences, clusters, alpha, margin, size)
    few = "" if clusters is None else _few(_scaled(scaled, clusters, (0, 0, len(scaled)), alpha)[0][2], margin / size, alpha)
    lower, upper = min(found.lower * size, tailed.lower), max(found.upper * size, tailed.upper)
    p_value = max(found.p_value, tailed.p_value)
    return _paired(tailed.difference, lower, upper, p_value, alpha=alpha, margin=margin, method=f"{tailed.method}{few}")


def _varying(
    differences: Sequence[float], clusters: Sequence[Hashable] | None, allowances: list[float], alpha: float, size: float | None
) -> Paired:
    """Return the difference if the allowance varies by item: MOVER of the difference's interval and that of the mean allowance.

    The latter is Wilson's for two allowances (a share of a score of 0 or 1), Student's t for more.
    Source: Zou 2008, American Journal of Epidemiology 168, 212-224 (MOVER with a correlation).
    """
    margin = sum(allowances) / len(allowances)
    found = _constant(differences, clusters, alpha, margin, size)
    low, high = min(allowances), max(allowances)
    marked = [(value - low) / (high - low) for value in allowances]
    effect = 1.0 if clusters is None else design_effect(marked, clusters)[0]
    share = sum(marked) / len(marked)
    if len(set(allowances)) == 2:
        lower, upper = wilson_interval(sum(marked) / effect, len(marked) / effect, confidence=1 - 2 * alpha)
    else:
        estimate = mean(marked)
        lower, upper = t_interval(Mean(share, estimate.stderr * sqrt(effect), estimate.degrees), confidence=1 - 2 * alpha)
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


def agreeing(p_value: float, alpha: float, fails: bool) -> float:
    """Return a p-value that agrees with the interval, against rounding of the root and tails that are not quite monotone."""
    return min(p_value, alpha) if fails else max(p_value, alpha * (1 + 1e-9))


def _paired(difference: float, lower: float, upper: float, p_value: float, *, alpha: float, margin: float, method: str) -> Paired:
    """Return the record; the standard error is that implied by the interval, which is above 0 even without discordant items."""
    lower, upper = min(lower, difference), max(upper, difference)
    stderr = implied_stderr(lower, upper, alpha=alpha)
    return Paired(difference, stderr, lower, upper, agreeing(p_value, alpha, upper < -margin), method, margin)


def _scored(differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, margin: float) -> Paired:
    """Return the score interval of differences in [-1, 1]; with clusters at the effective number of items, never narrower than for independent ones.

    Effective number: n / (design effect x (t quantile / normal quantile)^2). Source: Korn & Graubard 1998, Survey Methodology 24, 193-201,
    who do the same to the Clopper-Pearson interval of one proportion. Partial credit needs fewer items for the same error: `flip_size`.
    """
    lost, gained = fsum(-value for value in differences if value < 0), fsum(value for value in differences if value > 0)
    n, difference = len(differences), fsum(differences) / len(differences)
    share = float(flip_size(lost + gained, fsum(value * value for value in differences)))
    counts = (lost / share, gained / share, n / share)
    lower, upper = score_interval(*counts, alpha=alpha)
    p_value = score_tail(*counts, margin)
    kind = "score" if share == 1 else "score, partial credit"
    method = f"{kind}, exact tail" if sum(counts[:2]) <= EXACT_UP_TO else f"{kind} (Tango)"
    if clusters is not None:
        below, above = _scaled(differences, clusters, counts, alpha)
        lower = min(lower, tango_interval(*below, confidence=1 - 2 * alpha)[0])
        upper = max(upper, tango_interval(*above, confidence=1 - 2 * alpha)[1])
        p_value = max(p_value, _clustered_tail(differences, clusters, above, alpha, margin))
        method = f"{kind} (Tango), {_effective(below[2] * share, margin, alpha)}"
    return _paired(difference, max(lower, -1.0), min(upper, 1.0), p_value, alpha=alpha, margin=margin, method=method)


def _scaled(
    differences: Sequence[float], clusters: Sequence[Hashable], counts: tuple[float, float, float], alpha: float
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return the counts at the effective number of items: for the lower end, and for the upper."""
    _, stretch = _stretch(differences, clusters, alpha)
    lower, upper = (stretch * float(effects[0]) for effects in design_effects(cluster_sums(differences, clusters)))
    return tuple(count / lower for count in counts), tuple(count / upper for count in counts)  # type: ignore[return-value]


def _clustered_tail(
    differences: Sequence[float], clusters: Sequence[Hashable], above: tuple[float, float, float], alpha: float, margin: float
) -> float:
    """Return the p-value of "more than `margin` is lost" at the effective number of items.

    The effective number holds the t quantile of `alpha`, which is too small for the levels that a correction for many tests asks about; so
    the p-value is never below Student's.
    """
    from scipy.special import ndtr

    degrees, stretch = _stretch(differences, clusters, alpha)
    lost, gained, n = (count * stretch for count in above)
    student = t_probability(tango_statistic(lost, gained, n, -margin), degrees)
    return max(float(ndtr(tango_statistic(*above, -margin))), student)


def _stretch(differences: Sequence[float], clusters: Sequence[Hashable], alpha: float) -> tuple[float, float]:
    """Return the degrees of freedom of the clusters, and the square of how much wider Student's interval is than the normal one."""
    degrees = clustered_mean(differences, clusters).degrees
    return degrees, (t_quantile(1 - alpha, degrees) / normal_quantile(1 - alpha)) ** 2


def _effective(items: float, margin: float, alpha: float) -> str:
    """Return the effective number of items in words, and whether so few could pass even if nothing were lost."""
    return f"{ceil(items)} effective items{_few(items, margin, alpha)}"


def _few(items: float, margin: float, alpha: float) -> str:
    """Return the words for an effective number of items that could not pass even if nothing were lost, else nothing."""
    bound = normal_quantile(1 - alpha) ** 2
    return ": too few clusters to decide" if 0 < margin <= bound / (items + bound) else ""


def _tailed(differences: Sequence[float], clusters: Sequence[Hashable] | None, alpha: float, margin: float, size: float) -> Paired:
    """Return Student's t interval with room for a long tail, and for a difference of `size` that no item showed."""
    estimate = mean(differences)
    stderr = sqrt(estimate.stderr**2 + hidden_variance(len(differences), size, alpha=alpha))
    units: Sequence[float] = differences
    below, above, method = stderr, stderr, "t with room for a long tail"
    if clusters is not None:
        effects = design_effects(cluster_sums([value / size for value in differences], clusters))
        below, above = (stderr * sqrt(float(effect[0])) for effect in effects)
        estimate, units = clustered_mean(differences, clusters), cluster_totals(differences, clusters)
        method = f"{method}, CR2 by cluster"
    found = tailed_factors(estimate.degrees, float(skewness(units)), len(units), items=len(differences), alpha=alpha)
    wide, long = (float(factor) for factor in found)
    p_value = t_probability((estimate.value + margin) / above, estimate.degrees)
    return Paired(estimate.value, stderr, estimate.value - wide * below, estimate.value + long * above, p_value, method, margin)
