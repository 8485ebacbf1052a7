"""Verdicts of many simulated evaluations at once, from counts of flips alone; for power analysis, the self-test and error rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_unicomp.compare.stats.clusters import assumed_effect, shrunk_effect, touched_by_chance
from pytest_unicomp.compare.stats.exact import exact_tail
from pytest_unicomp.compare.stats.means import t_quantile
from pytest_unicomp.compare.stats.paired import EXACT_UP_TO
from pytest_unicomp.compare.stats.proportions import normal_quantile, score

if TYPE_CHECKING:
    import numpy as np

_HALVINGS = 45


class Decisions(NamedTuple):
    """Boolean arrays with one entry per evaluation; one that neither passes nor fails is inconclusive."""

    passes: np.ndarray
    fails: np.ndarray


def decide_counts(losses: Any, gains: Any, n: int, *, margin: float, alpha: float) -> Decisions:
    """Return the verdicts of evaluations of n independent right-or-wrong items with these whole-number counts of flips (arrays of one shape).

    The tests are those of `paired_difference`, applied at the margin instead of inverted to an interval; equal counts are tested once.
    """
    import numpy as np

    losses, gains = np.asarray(losses), np.asarray(gains)
    pairs, place = np.unique(np.stack([losses.ravel(), gains.ravel()]), axis=1, return_inverse=True)
    statistic = -normal_statistic(pairs[0], pairs[1], n, margin)
    passes, fails = statistic > normal_quantile(1 - alpha), statistic < -normal_quantile(1 - alpha)
    for column in np.flatnonzero(pairs.sum(axis=0) <= EXACT_UP_TO):
        lost, gained = (int(count) for count in pairs[:, column])
        # "Less is lost than the margin" is the same hypothesis with losses and gains swapped.
        passes[column] = exact_tail(gained, lost, n, -margin) <= alpha
        fails[column] = exact_tail(lost, gained, n, margin) <= alpha
    place = place.reshape(losses.shape)
    return Decisions(passes[place], fails[place])


def decide_clustered(lost: Any, gained: Any, sizes: Any, *, margin: float, alpha: float) -> Decisions:
    """Return the verdicts of evaluations whose items share clusters: counts of shape (evaluations, clusters), one size per cluster.

    Both tests of `paired_difference` with clusters, applied at the margin: for independent items, and at the effective number of items.
    """
    import numpy as np

    lost, gained, sizes = np.asarray(lost), np.asarray(gained), np.asarray(sizes)
    losses, gains, n = lost.sum(axis=1), gained.sum(axis=1), int(sizes.sum())
    alone = decide_counts(losses, gains, n, margin=margin, alpha=alpha)
    share = sizes / n
    scaled = share**2 / (1 - share)
    degrees = 1 / float((share**2).sum() + scaled.sum() ** 2 - (scaled**2).sum())
    shrink = _effects(lost, gained, sizes) * (t_quantile(1 - alpha, degrees) / normal_quantile(1 - alpha)) ** 2
    statistic = -normal_statistic(losses / shrink, gains / shrink, n / shrink, margin)
    limit = normal_quantile(1 - alpha)
    return Decisions(alone.passes & (statistic > limit), alone.fails & (statistic < -limit))


def _effects(lost: np.ndarray, gained: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the design effect of each evaluation, the same as `design_effect` computes from items."""
    import numpy as np

    n, share = int(sizes.sum()), sizes / sizes.sum()
    flips, mean = (lost + gained).sum(axis=1), (gained - lost).sum(axis=1) / n
    residuals = gained - lost - mean[:, None] * sizes
    clustered = (residuals**2 / (1 - share)).sum(axis=1) / n**2
    independent = (flips - n * mean**2) / (n - 1) / n
    assumed = assumed_effect(float((sizes**2).sum() / n))
    seen = np.where(independent > 1e-15, clustered / np.maximum(independent, 1e-15), assumed)
    expected = {int(count): touched_by_chance(int(count), sizes.tolist()) for count in np.unique(flips)}
    touched = ((lost + gained) > 0).sum(axis=1)
    return np.array(
        [
            shrunk_effect(float(one), assumed, touched=int(many), expected=expected[int(count)])
            for one, many, count in zip(seen, touched, flips, strict=True)
        ]
    )


def normal_statistic(losses: Any, gains: Any, n: Any, margin: float) -> np.ndarray:
    """Return Tango's statistic at a loss of `margin` for arrays of counts, which may be fractional; the larger, the more is lost."""
    import numpy as np

    found: np.ndarray = score(np.asarray(losses, dtype=float), np.asarray(gains, dtype=float), n, min(margin, 1 - 1e-9))
    return found


def normal_bounds(losses: Any, gains: Any, n: Any, *, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Tango's intervals, two-sided at 1 - 2 alpha, for arrays of counts, by bisection; n may be an array (effective sizes)."""
    return -_largest(losses, gains, n, alpha), _largest(gains, losses, n, alpha)


def _largest(losses: Any, gains: Any, n: Any, alpha: float) -> np.ndarray:
    import numpy as np

    losses, gains, n = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (losses, gains, n)))
    low, high = (losses - gains) / n, np.full(losses.shape, 1 - 1e-9)
    threshold = -normal_quantile(1 - alpha)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        kept = score(losses, gains, n, middle) > threshold
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    found: np.ndarray = (low + high) / 2
    return found
