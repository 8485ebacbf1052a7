"""Compares the stated certainty of reference and candidate on the same items: Brier score, calibration error and conformal set size."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import exp

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Change, Item, Uncertainty
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.comparability import Pair

# Conformal sets hold the right option nine times in ten, as in Ye et al. 2024, arXiv 2401.12794.
ERROR = 0.1
# Below this, half of the items do not give a threshold at ERROR.
FEWEST = 40


def uncertainty(pairs: Sequence[Pair], clusters: Sequence[str] | None, *, alpha: float) -> Uncertainty | None:
    """Return the three measures over the items whose right option and probabilities both sides recorded; None below FEWEST items.

    A probability is the softmax of the options' log-probabilities. Differences are candidate - reference, and positive is worse in each; intervals
    are two-sided at 1 - 2 alpha. That of the set size takes the thresholds as given. The calibration error needs pairs of independent items, and is
    None if all items share one cluster.
    """
    places = [place for place, (before, after) in enumerate(pairs) if _stated(before) and _stated(after) and before.right == after.right]
    if len(places) < FEWEST:
        return None
    right = [pairs[place][0].right or 0 for place in places]
    before, after = ([_softmax(pairs[place][side].log_probabilities or []) for place in places] for side in (0, 1))
    of_items = None if clusters is None else [clusters[place] for place in places]
    paired, of_pairs = stats.independent_pairs(of_items or range(len(places)))
    briers = [[stats.brier(values, place) for values, place in zip(side, right, strict=True)] for side in (before, after)]
    errors = [
        stats.squared_kernel_calibration_error([side[place] for place in paired], [right[place] for place in paired])
        for side in (before, after)
    ]
    sizes = [[float(size) for size in stats.set_sizes(side, right, error=ERROR)] for side in (before, after)]
    return Uncertainty(
        n=len(places),
        brier=_change(briers, of_items, alpha),
        calibration_error=_change(errors, of_pairs, alpha) if of_pairs else None,
        set_size=_change(sizes, of_items, alpha),
        set_error=ERROR,
    )


def _change(sides: Sequence[Sequence[float]], clusters: Sequence[Hashable] | None, alpha: float) -> Change:
    before, after = sides
    first, second = sum(before) / len(before), sum(after) / len(after)
    try:
        found = stats.paired_difference(before, after, clusters, alpha=alpha, bounded=False)
        interval = (found.lower, found.upper)
    except UnicompError:
        # One cluster, or values that are all 0: the change is known, its uncertainty is not.
        interval = None
    return Change(reference=first, candidate=second, difference=second - first, interval=interval)


def _stated(item: Item) -> bool:
    found = item.log_probabilities
    return item.right is not None and found is not None and 2 <= len(found) > item.right


def _softmax(values: Sequence[float]) -> list[float]:
    top = max(values)
    parts = [exp(value - top) for value in values]
    return [part / sum(parts) for part in parts]
