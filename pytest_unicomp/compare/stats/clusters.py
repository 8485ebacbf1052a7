"""Design effect (variance inflation) of items clustered by passage, subject or template, averaged with an assumed one if few clusters differ."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_unicomp.compare.stats.means import Mean, clustered_mean

if TYPE_CHECKING:
    import numpy as np

# The largest intraclass correlation for which the error rates are promised, and the one assumed as far as the data show none.
ASSUMED_CORRELATION = 0.3
# Weight of the assumed design effect, in clusters that lose (or gain).
PRIOR_CLUSTERS = 5.0


class Sums(NamedTuple):
    """Sums of the items' differences, scaled to [-1, 1], over each cluster: arrays of shape (evaluations, clusters), and one size per cluster.

    `lost` and `gained` sum the absolute values of the differences below and above 0 (counts for right-or-wrong items), `squares` their squares.
    """

    lost: np.ndarray
    gained: np.ndarray
    squares: np.ndarray
    sizes: np.ndarray


def cluster_sums(differences: Sequence[float], clusters: Sequence[Hashable]) -> Sums:
    """Return the sums of one evaluation, shape (1, clusters)."""
    import numpy as np

    values = np.asarray(differences)
    places: dict[Hashable, int] = {}
    place = np.array([places.setdefault(cluster, len(places)) for cluster in clusters])

    def summed(weights: Any) -> np.ndarray:
        return np.bincount(place, weights=weights)[None, :]

    return Sums(summed(np.maximum(-values, 0.0)), summed(np.maximum(values, 0.0)), summed(values**2), np.bincount(place))


def cluster_totals(differences: Sequence[float], clusters: Sequence[Hashable]) -> list[float]:
    """Return, per cluster, the sum of its items' deviations from the mean."""
    sums = cluster_sums(differences, clusters)
    net = (sums.gained - sums.lost)[0]
    return [float(one) for one in net - sums.sizes * (net.sum() / sums.sizes.sum())]


def design_effect(values: Sequence[float], clusters: Sequence[Hashable]) -> tuple[float, Mean]:
    """Return the design effect (at least 1: the variance of the mean relative to that of independent values), and the clustered mean.

    It is that of `design_effects`, for values of either sign alike. Raises UnicompError if all values share one cluster.
    """
    estimate = clustered_mean(values, clusters)
    sums = cluster_sums(values, clusters)
    seen, assumed = _effects(sums)
    return float(_held_up(seen, assumed, sums.lost + sums.gained)[0]), estimate


def design_effects(sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Return the design effects of each evaluation, at least 1: for the lower end of its interval, and for the upper.

    Observed: CR2 variance / (s^2 / n). Assumed: 1 + (size - 1) x ASSUMED_CORRELATION, with the size of a random item's cluster. The two are
    averaged with weights of T and PRIOR_CLUSTERS, if T is the effective number of clusters that lose (lower end) or gain (upper end),
    (sum of losses)^2 / sum of (losses of a cluster)^2, or the sum of losses if that is less, so that a tiny loss counts as none; the observed
    effect is a lower bound. Clusters without a loss carry no information on how losses cluster, and the few with the most losses may not have
    been sampled.
    Sources: Kish 1965, Survey Sampling, sections 5.4 and 11.7; the two constants were chosen by simulation (docs/error-rates.md).
    """
    seen, assumed = _effects(sums)
    return _held_up(seen, assumed, sums.lost), _held_up(seen, assumed, sums.gained)


def _effects(sums: Sums) -> tuple[np.ndarray, float]:
    """Return the observed design effects and the assumed one."""
    import numpy as np

    lost, gained, squares, sizes = sums
    n, share = int(sizes.sum()), sizes / sizes.sum()
    net = gained - lost
    mean, total = net.sum(axis=1) / n, squares.sum(axis=1)
    residuals = net - mean[:, None] * sizes
    clustered = (residuals**2 / (1 - share)).sum(axis=1) / n**2
    squared = total - n * mean**2
    independent = squared / max(n - 1, 1) / n
    assumed = assumed_effect(float((sizes.astype(float) ** 2).sum() / n))
    # Equal differences everywhere show no correlation; rounding must not make one.
    spread = squared > 1e-9 * total
    return np.where(spread, clustered / np.where(spread, independent, 1.0), assumed), assumed


def _held_up(seen: np.ndarray, assumed: float, sums: np.ndarray) -> np.ndarray:
    import numpy as np

    total = sums.sum(axis=1)
    differing = np.minimum(total**2 / np.maximum((sums.astype(float) ** 2).sum(axis=1), 1e-300), total)
    weight = PRIOR_CLUSTERS / (PRIOR_CLUSTERS + differing)
    held: np.ndarray = np.maximum(np.maximum(seen, (1 - weight) * seen + weight * assumed), 1.0)
    return held


def satterthwaite(sizes: Sequence[int] | np.ndarray) -> float:
    """Return the degrees of freedom of the CR2 variance of a mean: those of `clustered_mean`."""
    import numpy as np

    share = np.asarray(sizes) / np.sum(sizes)
    scaled = share**2 / (1 - share)
    return 1 / float((share**2).sum() + scaled.sum() ** 2 - (scaled**2).sum())


def assumed_effect(size: float) -> float:
    """Return the design effect of clusters of `size` items at ASSUMED_CORRELATION."""
    return 1 + (size - 1) * ASSUMED_CORRELATION
