"""The worst slice of a benchmark (attack, group, language, subject): its mean can hold while one slice falls."""

from __future__ import annotations

from collections import defaultdict

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Item, Slice
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.pairing import Comparison
from pytest_unicomp.config.margins import Margin

# Few large clusters are slices (subjects, languages); many small ones only group items, such as the questions on one passage.
MOST_CLUSTERS, SMALLEST_CLUSTER = 64, 10
SMALLEST_SLICE = 5


def worst_slice(comparison: Comparison, margin: Margin, *, alpha: float) -> Slice | None:
    """Return the slice with the largest loss and its own interval; None with fewer than two slices, or if no loss of them can be judged.

    `p_value` tests "this slice loses more than the margin", corrected over the slices (Holm 1979, Scandinavian Journal of Statistics 6,
    65-70). `lost`: it is at most `alpha`, and so the interval lies below minus the margin. If several slices are lost, the one with the
    smallest p-value is returned. Items of a slice that share clusters are no independent evidence of it.
    """
    members = _members([after for _, after in comparison.pairs])
    if len(members) < 2:
        return None
    try:
        allowances = comparison.allowances(margin)
    except UnicompError:
        return None
    found = {name: pair for name, places in members.items() if (pair := _compared(comparison, places, allowances, alpha)) is not None}
    adjusted = stats.holm([pair.p_value for pair in found.values()])
    judged = [
        _judged(comparison, name, members[name], pair, p_value, alpha)
        for (name, pair), p_value in zip(found.items(), adjusted, strict=True)
    ]
    return min(
        judged,
        key=lambda part: (not part.lost, part.p_value if part.lost else part.difference, part.difference, part.name),
        default=None,
    )


def _compared(comparison: Comparison, places: list[int], allowances: list[float], alpha: float) -> stats.Paired | None:
    """Return the paired difference of a slice's items, or None if its uncertainty cannot be estimated."""
    before, after, allowed = ([side[place] for place in places] for side in (comparison.before, comparison.after, allowances))
    try:
        return stats.paired_difference(
            before, after, _within(comparison, places), alpha=alpha, allowances=allowed, bounded=comparison.bounded
        )
    except UnicompError:
        return None


def _judged(comparison: Comparison, name: str, places: list[int], pair: stats.Paired, p_value: float, alpha: float) -> Slice:
    """Return the slice under its corrected p-value, which is at most `alpha` only if the interval lies below minus the margin."""
    first, second = (sum(side[place] for place in places) / len(places) for side in (comparison.before, comparison.after))
    return Slice(
        name=name,
        n=len(places),
        reference=first,
        candidate=second,
        difference=second - first,
        interval=(pair.lower, pair.upper),
        p_value=p_value,
        lost=p_value <= alpha,
    )


def _within(comparison: Comparison, places: list[int]) -> list[str] | None:
    """Return the clusters of a slice's items, or None if the slice is a cluster itself."""
    if comparison.clusters is None:
        return None
    clusters = [comparison.clusters[place] for place in places]
    return clusters if len(set(clusters)) > 1 else None


def _members(items: list[Item]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = defaultdict(list)
    sliced = any(item.slice is not None for item in items)
    for place, item in enumerate(items):
        name = item.slice if sliced else item.cluster
        if name is not None:
            places[name].append(place)
    if not sliced and (len(places) > MOST_CLUSTERS or any(len(part) < SMALLEST_CLUSTER for part in places.values())):
        return {}
    return {name: part for name, part in sorted(places.items()) if len(part) >= SMALLEST_SLICE}
