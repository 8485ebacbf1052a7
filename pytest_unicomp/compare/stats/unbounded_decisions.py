"""Verdicts of many simulated evaluations with unbounded scores at once: those of `paired_difference`, applied at the margin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_unicomp.compare.stats.clusters import Sums, design_effects, satterthwaite
from pytest_unicomp.compare.stats.decisions import Decisions, decide_sums
from pytest_unicomp.compare.stats.unbounded import hidden_variance, skewness, tailed_factors

if TYPE_CHECKING:
    import numpy as np


class Spread(NamedTuple):
    """The differences of each evaluation without their clusters: mean, standard deviation, skewness, and the size that one may have."""

    mean: np.ndarray
    deviation: np.ndarray
    skewness: np.ndarray
    size: np.ndarray


def decide_unbounded(reference: Any, candidate: Any, clusters: Any, *, margin: float, alpha: float) -> Decisions:
    """Return the verdicts of evaluations: scores of shape (evaluations, items), larger is better, and the items' clusters as integers or None."""
    import numpy as np

    before, after = np.asarray(reference), np.asarray(candidate)
    differences = after - before
    same, largest = (differences == 0).mean(axis=1), np.abs(differences).max(axis=1)
    both = np.concatenate([before, after], axis=1)
    scale = np.maximum(both.max(axis=1), 0.0) - np.minimum(both.min(axis=1), 0.0)
    spread = Spread(differences.mean(axis=1), differences.std(axis=1, ddof=1), skewness(differences), same * scale + (1 - same) * largest)
    return decide_spread(_sums(differences, clusters), spread, margin=margin, alpha=alpha)


def decide_spread(sums: Sums, spread: Spread, *, margin: float, alpha: float) -> Decisions:
    """Return the verdicts from the sums of the differences over clusters (one cluster: independent items), in the unit of the scores."""
    import numpy as np

    size = spread.size[:, None]
    scaled = Sums(sums.lost / size, sums.gained / size, sums.squares / size**2, sums.sizes)
    found = _tailed(scaled, spread, margin, alpha)
    rows = np.flatnonzero(found.passes | found.fails)
    decided = scaled._replace(lost=scaled.lost[rows], gained=scaled.gained[rows], squares=scaled.squares[rows])
    scored = decide_sums(decided, margin=margin / spread.size[rows], alpha=alpha)
    found.passes[rows] &= scored.passes
    found.fails[rows] &= scored.fails
    return found


def _sums(differences: np.ndarray, clusters: Any) -> Sums:
    import numpy as np

    n = differences.shape[1]
    place = np.zeros(n, dtype=int) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))

    def summed(values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[:, order], starts, axis=1)

    lost, gained = np.maximum(-differences, 0.0), np.maximum(differences, 0.0)
    return Sums(summed(lost), summed(gained), summed(differences**2), np.bincount(place))


def _tailed(sums: Sums, spread: Spread, margin: float, alpha: float) -> Decisions:
    """Return the verdicts of Student's t interval with room for a long tail; `sums` are scaled to [-1, 1]."""
    import numpy as np

    n = int(sums.sizes.sum())
    # With a size of 1 the hidden variance is that of each evaluation over the square of its size.
    stderr = np.sqrt(spread.deviation**2 / n + hidden_variance(n, 1.0, alpha=alpha) * spread.size**2)
    if len(sums.sizes) == 1:
        below, above, degrees, skew, units = stderr, stderr, n - 1.0, spread.skewness, n
    else:
        below, above = (stderr * np.sqrt(effects) for effects in design_effects(sums))
        skew = skewness(sums.gained - sums.lost - sums.sizes * (spread.mean / spread.size)[:, None])
        degrees, units = satterthwaite(sums.sizes), len(sums.sizes)
    wide, long = tailed_factors(degrees, skew, units, items=n, alpha=alpha)
    return Decisions(spread.mean - wide * below > -margin, spread.mean + long * above < -margin)
