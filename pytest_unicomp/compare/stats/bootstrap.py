"""Bootstrap interval for the difference of two paired scores that are not means (F1, correlation, perplexity)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from math import isfinite
from typing import Any

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.paired import Paired, agreeing
from pytest_unicomp.compare.stats.power import implied_stderr

RESAMPLES = 4999


def bootstrap_difference(
    reference: Sequence[Any],
    candidate: Sequence[Any],
    statistic: Callable[[Any], float],
    clusters: Sequence[Hashable] | None = None,
    *,
    alpha: float,
    margin: float,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Return statistic(candidate) - statistic(reference), larger is better, with a BCa interval, two-sided at 1 - 2 alpha.

    Rows of both sides belong to the same items and are resampled together, by item or, with `clusters`, by whole cluster. `statistic`
    takes one side's rows as an array. `p_value` is (1 + resamples at or above -margin) / (1 + resamples), adjusted to agree with the interval.
    Source: Efron 1987, JASA 82, 171-185 (scipy.stats.bootstrap); units that are clusters: Field & Welsh 2007, JRSS B 69, 369-390.
    Raises UnicompError for unpaired rows, fewer than 2 units, equal rows on both sides, or resamples that all give the same difference.
    """
    import numpy as np
    from scipy.stats import bootstrap

    before, after = np.asarray(reference), np.asarray(candidate)
    if len(before) != len(after) or len(before) == 0:
        raise UnicompError(f"unicomp: {len(before)} reference and {len(after)} candidate rows; expected as many of each, at least 1.")
    units = _units(len(before), clusters)
    if len(units) < 2:
        raise UnicompError(
            "unicomp: the bootstrap found one unit to resample; expected at least 2 items, or 2 clusters if there are clusters."
        )

    def difference(chosen: Any) -> float:
        rows = np.concatenate([units[int(place)] for place in chosen])
        return float(statistic(after[rows]) - statistic(before[rows]))

    estimate = difference(range(len(units)))
    found = (
        bootstrap(
            (np.arange(len(units)),),
            difference,
            vectorized=False,
            n_resamples=resamples,
            confidence_level=1 - 2 * alpha,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
        if not (before == after).all()
        else None
    )
    if found is None:
        raise UnicompError("unicomp: both sides have the same rows, so resampling shows no uncertainty; expected rows that differ.")
    lower, upper = (float(end) for end in found.confidence_interval)
    if not (isfinite(lower) and isfinite(upper)) or upper <= lower:
        raise UnicompError("unicomp: every resample gave the same difference, so its uncertainty is unknown; evaluate more items.")
    lower, upper = min(lower, estimate), max(upper, estimate)
    p_value = float(((found.bootstrap_distribution >= -margin).sum() + 1) / (resamples + 1))
    p_value = agreeing(p_value, alpha, upper < -margin)
    unit = "items" if clusters is None else "clusters"
    return Paired(
        estimate, implied_stderr(lower, upper, alpha=alpha), lower, upper, p_value, f"BCa bootstrap, {len(units)} {unit} resampled", margin
    )


def _units(n: int, clusters: Sequence[Hashable] | None) -> list[Any]:
    """Return the row numbers of each unit."""
    import numpy as np

    if clusters is None:
        return [np.array([place]) for place in range(n)]
    places: dict[Hashable, list[int]] = {}
    for place, cluster in enumerate(clusters):
        places.setdefault(cluster, []).append(place)
    return [np.array(rows) for rows in places.values()]
