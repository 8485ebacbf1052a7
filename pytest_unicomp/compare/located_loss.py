"""Computes which parts of a model carry a loss, from the likelihoods of the same items with one part at a time taken from the reference."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import LossPart
from pytest_unicomp.compare import stats

Clusters = Sequence[Hashable] | None


def parts_of_loss(
    reference: Sequence[float], candidate: Sequence[float], restored: Mapping[str, Sequence[float]], clusters: Clusters, *, alpha: float
) -> list[LossPart]:
    """Return how much of the loss each part brings back; `restored` holds the items' likelihoods with that part of the reference.

    All sequences are in nats, larger is better, one value per item. Raises UnicompError if nothing is lost, or for fewer than two items or clusters.
    """
    lost = sum(before - after for before, after in zip(reference, candidate, strict=True)) / len(reference)
    if lost <= 0:
        raise UnicompError(
            f"unicomp: the candidate's likelihoods are not below the reference's ({lost:+.3f} nats), so there is no loss to locate."
        )
    found = []
    for name, values in restored.items():
        recovered = stats.mean([back - after for back, after in zip(values, candidate, strict=True)], clusters)
        interval = stats.t_interval(recovered, confidence=1 - 2 * alpha)
        found.append(LossPart(name=name, recovered=recovered.value, interval=interval, share=recovered.value / lost))
    return found


def loss(reference: Sequence[float], candidate: Sequence[float], clusters: Clusters, *, alpha: float) -> tuple[float, tuple[float, float]]:
    """Return the mean of reference - candidate with its interval, two-sided at 1 - 2 alpha (Student's t, by cluster if there are any)."""
    estimate = stats.mean([before - after for before, after in zip(reference, candidate, strict=True)], clusters)
    return estimate.value, stats.t_interval(estimate, confidence=1 - 2 * alpha)


def carried_by(restored: Mapping[str, Sequence[float]], clusters: Clusters, *, alpha: float) -> list[str]:
    """Return the part that brings back most and those that cannot be told apart from it, best first.

    Each other part is compared with the best one on the same items (paired t, one-sided at `alpha`, Holm over the parts). Without a part nothing
    is returned.
    """
    order = sorted(restored, key=lambda name: -sum(restored[name]))
    if not order:
        return []
    best, others = order[0], order[1:]
    p_values = [_below(restored[best], restored[name], clusters) for name in others]
    return [best, *(name for name, adjusted in zip(others, stats.holm(p_values), strict=True) if adjusted > alpha)]


def _below(best: Sequence[float], other: Sequence[float], clusters: Clusters) -> float:
    """Return the p-value of "the other part brings back as much"."""
    estimate = stats.mean([one - two for one, two in zip(best, other, strict=True)], clusters)
    if estimate.stderr == 0:
        return 0.0 if estimate.value > 0 else 1.0
    return stats.t_probability(-estimate.value / estimate.stderr, estimate.degrees)
