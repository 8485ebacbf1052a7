"""The one place that chooses how the difference of two paired evaluations is estimated: by kind of score and by clusters."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt

from pytest_unicomp.errors import UnicompError
from pytest_unicomp.stats.exact import exact_interval, exact_tail
from pytest_unicomp.stats.means import Mean, clustered_mean, mean, t_interval, t_probability, t_quantile
from pytest_unicomp.stats.power import implied_stderr
from pytest_unicomp.stats.proportions import normal_quantile, tango_interval, tango_statistic

# Above this many discordant items the normal curve is as good as the sum (docs/verdicts.md has the simulation).
EXACT_UP_TO = 100
# With differences in fewer clusters than this, their spread cannot be estimated and the assumed correlation stands in.
SPREAD_NEEDS = 15
ASSUMED_CORRELATION = 0.1


@dataclass(frozen=True)
class Paired:
    """Candidate - reference: estimate, standard error that matches the interval, interval, and the p-value of "worse than -margin"."""

    difference: float
    stderr: float
    lower: float
    upper: float
    p_value: float
    method: str


def paired_difference(
    reference: Sequence[float],
    candidate: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    *,
    alpha: float,
    margin: float,
    bounded: bool = True,
) -> Paired:
    """Compare two score sequences of the same items, larger is better; the interval is two-sided at 1 - 2 alpha.

    Scores all 0 or 1: score interval with an exact tail up to EXACT_UP_TO discordant items, Tango's beyond. Other scores in [0, 1]
    (`bounded`): Student's t with a floor under its variance. Unbounded scores: Student's t. Items that share clusters: see `_clustered_binary`.
    `p_value` <= alpha exactly where `upper` < -margin. Raises UnicompError where no uncertainty can be had (one unbounded item, one cluster).
    """
    if not reference or len(reference) != len(candidate):
        raise UnicompError(
            f"unicomp: {len(reference)} reference and {len(candidate)} candidate scores; expected as many of each, at least 1."
        )
    if clusters is not None and len(set(clusters)) == len(reference):
        clusters = None
    binary = bounded and all(score in (0, 1) for score in (*reference, *candidate))
    differences = [new - old for old, new in zip(reference, candidate, strict=True)]
    if binary and clusters is None:
        return _independent_binary(differences, alpha, margin)
    if binary and clusters is not None:
        return _clustered_binary(differences, clusters, alpha, margin)
    return _numeric(differences, clusters, alpha, margin, bounded)


def _counts(differences: Sequence[float]) -> tuple[int, int, int]:
    return sum(value < 0 for value in differences), sum(value > 0 for value in differences), len(differences)


def _agreeing(p_value: float, alpha: float, fails: bool) -> float:
    """Keep p-value and interval of one mind where a root lies within rounding, or a discrete tail is not quite monotone."""
    return min(p_value, alpha) if fails else max(p_value, alpha * (1 + 1e-9))


def _paired(difference: float, lower: float, upper: float, p_value: float, *, alpha: float, margin: float, method: str) -> Paired:
    """Assemble; the standard error is read off the interval, so that it is sound where the usual one would be 0."""
    lower, upper = min(lower, difference), max(upper, difference)
    stderr = implied_stderr(lower, upper, alpha=alpha)
    return Paired(difference, stderr, lower, upper, _agreeing(p_value, alpha, upper < -margin), method)


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


def design_effect(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, Mean]:
    """Return how many times the variance of the mean exceeds that of independent values (at least 1), and the clustered mean.

    The ratio of the CR2 variance to s^2 / n. Where differences from 0 occur in fewer than SPREAD_NEEDS clusters, not less than
    1 + (size - 1) x ASSUMED_CORRELATION with the size that a random item's cluster has on average. Source: Kish 1965, Survey Sampling, section 5.4.
    """
    estimate = clustered_mean(values, clusters)
    independent = mean(values).stderr
    effect = (estimate.stderr / independent) ** 2 if independent > 0 else 1.0
    touched = {cluster for value, cluster in zip(values, clusters, strict=True) if value != 0}
    if len(touched) < SPREAD_NEEDS:
        counts: dict[Hashable, int] = {}
        for cluster in clusters:
            counts[cluster] = counts.get(cluster, 0) + 1
        size = sum(count**2 for count in counts.values()) / len(values)
        effect = max(effect, 1 + (size - 1) * ASSUMED_CORRELATION)
    return max(effect, 1.0), estimate


def _clustered_binary(differences: Sequence[float], clusters: Sequence[Hashable], alpha: float, margin: float) -> Paired:
    """Tango's interval at the effective number of items, and never narrower than for independent items.

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
    """Student's t; scores in [0, 1] get a variance that makes no change among n items mean at most the rule of three's -log(alpha) / n."""
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
