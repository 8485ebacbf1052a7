"""Verdicts of many simulated evaluations at once, from sums over clusters alone; for power analysis, the self-test and error rates."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_unicomp.compare.stats.clusters import Sums, design_effects, satterthwaite
from pytest_unicomp.compare.stats.exact import exact_tail
from pytest_unicomp.compare.stats.graded import EXACT_UP_TO, decide_one, flip_size
from pytest_unicomp.compare.stats.means import t_quantile
from pytest_unicomp.compare.stats.proportions import normal_quantile, score

if TYPE_CHECKING:
    import numpy as np

_HALVINGS = 45
# No exact tail reaches alpha unless the normal statistic reaches this share of its limit (the smallest found is 0.99 of it).
SCREENED = 0.75
# Of whole counts every tail does beyond the second share (the largest found that did not is 1.05 of the limit).
OPEN = (0.9, 1.15)


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
    screen, settled = (share * normal_quantile(1 - alpha) for share in OPEN)
    few = (pairs.sum(axis=0) <= EXACT_UP_TO) & (np.abs(statistic) <= settled)
    for column in np.flatnonzero(few):
        lost, gained = (int(count) for count in pairs[:, column])
        # "Less is lost than the margin" is the same hypothesis with losses and gains swapped.
        passes[column] = statistic[column] > screen and exact_tail(gained, lost, n, -margin) <= alpha
        fails[column] = statistic[column] < -screen and exact_tail(lost, gained, n, margin) <= alpha
    place = place.reshape(losses.shape)
    return Decisions(passes[place], fails[place])


def decide_clustered(lost: Any, gained: Any, sizes: Any, *, margin: float, alpha: float) -> Decisions:
    """Return the verdicts of evaluations whose right-or-wrong items share clusters: counts of shape (evaluations, clusters), one size per cluster.

    Both tests of `paired_difference` with clusters, applied at the margin: for independent items, and at the effective number of items.
    """
    import numpy as np

    lost, gained, sizes = np.asarray(lost), np.asarray(gained), np.asarray(sizes)
    found = _clustered(Sums(lost, gained, lost + gained, sizes), margin=margin, alpha=alpha)
    rows = np.flatnonzero(found.passes | found.fails)
    alone = decide_counts(lost[rows].sum(axis=1), gained[rows].sum(axis=1), int(sizes.sum()), margin=margin, alpha=alpha)
    found.passes[rows] &= alone.passes
    found.fails[rows] &= alone.fails
    return found


def decide_sums(sums: Sums, *, margin: Any, alpha: float) -> Decisions:
    """Return the verdicts of evaluations with partial credit, from the sums of their differences over clusters (one cluster: independent items).

    The tests are those of `paired_difference` for scores in [0, 1], applied at the margin (one number, or one per evaluation). The slow one,
    for independent items, is applied only if the normal statistic or the one of the clusters leaves its verdict open.
    """
    import numpy as np

    lost, gained, squares = (part.sum(axis=1) for part in sums[:3])
    share = flip_size(lost + gained, squares)
    margin = np.broadcast_to(margin, lost.shape)
    counts = (lost / share, gained / share, sums.sizes.sum() / share)
    statistic = -normal_statistic(*counts, margin)
    limit = normal_quantile(1 - alpha)
    passes, fails = statistic > SCREENED * limit, statistic < -SCREENED * limit
    if len(sums.sizes) > 1:
        clustered = _clustered(sums, margin=margin, alpha=alpha)
        passes, fails = passes & clustered.passes, fails & clustered.fails
    tail = cache(exact_tail)
    for row in np.flatnonzero(passes | fails):
        own = (float(part[row]) for part in counts)
        passed, failed = decide_one(*own, margin=float(margin[row]), alpha=alpha, tail=tail)
        passes[row], fails[row] = passes[row] and passed, fails[row] and failed
    return Decisions(passes, fails)


def _clustered(sums: Sums, *, margin: Any, alpha: float) -> Decisions:
    """Return the verdicts at the effective number of items."""
    lost, gained, squares = (part.sum(axis=1) for part in sums[:3])
    stretch = (t_quantile(1 - alpha, satterthwaite(sums.sizes)) / normal_quantile(1 - alpha)) ** 2
    limit = normal_quantile(1 - alpha)

    def statistic(effects: np.ndarray) -> np.ndarray:
        shrink = effects * stretch * flip_size(lost + gained, squares)
        return -normal_statistic(lost / shrink, gained / shrink, sums.sizes.sum() / shrink, margin)

    below, above = (statistic(effects) for effects in design_effects(sums))
    return Decisions(below > limit, above < -limit)


def normal_statistic(losses: Any, gains: Any, n: Any, margin: Any) -> np.ndarray:
    """Return Tango's statistic at a loss of `margin` for arrays of counts, which may be fractional; the larger, the more is lost."""
    import numpy as np

    found: np.ndarray = score(np.asarray(losses, dtype=float), np.asarray(gains, dtype=float), n, np.minimum(margin, 1 - 1e-9))
    return found


def normal_bounds(losses: Any, gains: Any, n: Any, *, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of Tango's intervals, two-sided at 1 - 2 alpha, for arrays of counts, by bisection; n may be an array (effective sizes)."""
    return -_largest(losses, gains, n, alpha), _largest(gains, losses, n, alpha)


def _largest(losses: Any, gains: Any, n: Any, alpha: float) -> np.ndarray:
    import numpy as np

    losses, gains, n = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (losses, gains, n)))
    low, high = (losses - gains) / n, np.ones(losses.shape)
    threshold = -normal_quantile(1 - alpha)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        kept = score(losses, gains, n, middle) > threshold
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    found: np.ndarray = (low + high) / 2
    return found
