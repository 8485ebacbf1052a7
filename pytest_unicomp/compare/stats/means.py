"""Means with standard errors, of independent values and of values clustered by passage, subject or template."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from pytest_unicomp.api.errors import UnicompError


@dataclass(frozen=True)
class Mean:
    """A mean with its standard error (in the unit of the values) and the degrees of freedom of that error."""

    value: float
    stderr: float
    degrees: float


def mean(values: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Mean:
    """Return the mean of n >= 2 independent values, with s / sqrt(n) and n - 1; raise UnicompError for fewer.

    Values that share `clusters` (one name per value) have the error of `clustered_mean`. Applied to differences of pairs this is the paired t
    procedure (Student 1908; any textbook).
    """
    import numpy as np

    if clusters is not None and len(set(clusters)) < len(values):
        return clustered_mean(values, clusters)
    if len(values) < 2:
        raise UnicompError(f"unicomp: a standard error needs at least 2 values, found {len(values)}; evaluate more items.")
    array = np.asarray(values)
    return Mean(float(array.mean()), float(array.std(ddof=1)) / sqrt(len(array)), len(array) - 1.0)


def mean_and_error(scores: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the mean and s / sqrt(n), summed exactly; None for the mean of no scores, and for the error of fewer than two."""
    if not scores:
        return None, None
    average = fsum(scores) / len(scores)
    if len(scores) < 2:
        return average, None
    variance = fsum((score - average) ** 2 for score in scores) / (len(scores) - 1)
    return average, sqrt(variance / len(scores))


def clustered_mean(values: Sequence[float], clusters: Sequence[Hashable]) -> Mean:
    """Return the mean with the CR2 cluster-robust standard error and Satterthwaite degrees of freedom; raise UnicompError under 2 clusters.

    For a model with an intercept only and w_g the share of the values in cluster g, the variance is
    sum_g (sum of residuals in g)^2 / (1 - w_g) / n^2, unbiased for independent values of equal variance, and the degrees of freedom
    1 / (sum_g w_g^2 + sum_{g != h} w_g^2 w_h^2 / ((1 - w_g) (1 - w_h))), which is G - 1 for G clusters of equal size.
    Source: Bell & McCaffrey 2002, Survey Methodology 28, 169-181; Pustejovsky & Tipton 2018, JBES 36, 672-683, section 2.
    """
    import numpy as np

    array = np.asarray(values)
    _, place = np.unique(np.asarray([repr(cluster) for cluster in clusters]), return_inverse=True)
    sizes = np.bincount(place)
    if len(sizes) < 2:
        raise UnicompError(
            "unicomp: all items share one cluster, so their spread says nothing about other clusters; evaluate more clusters."
        )
    share = sizes / len(array)
    residuals = np.bincount(place, weights=array - array.mean())
    variance = float((residuals**2 / (1 - share)).sum()) / len(array) ** 2
    scaled = share**2 / (1 - share)
    cross = float(scaled.sum() ** 2 - (scaled**2).sum())
    return Mean(float(array.mean()), sqrt(variance), 1 / (float((share**2).sum()) + cross))


def t_interval(estimate: Mean, *, confidence: float) -> tuple[float, float]:
    """Return the two-sided Student interval around a mean."""
    half = t_quantile((1 + confidence) / 2, estimate.degrees) * estimate.stderr
    return estimate.value - half, estimate.value + half


def t_quantile(probability: float, degrees: float) -> float:
    """Return the quantile of Student's distribution (degrees may be fractional)."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def t_probability(statistic: float, degrees: float) -> float:
    """Return P(T <= statistic) of Student's distribution."""
    from scipy.special import stdtr

    return float(stdtr(degrees, statistic))
