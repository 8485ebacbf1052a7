"""Sequential retention (early stopping): decides from the items evaluated so far, in an order fixed in advance, or returns None for more."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Family, Item, Measurement
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.expected import items_to_decide
from pytest_unicomp.compare.pairing import Comparison, compare, describe, not_comparable, numbers
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.replies import without_p_values
from pytest_unicomp.compare.retention import chance_corrected, decide, retention, why_at_chance
from pytest_unicomp.config.margins import Margin


def fixed_order(items: Iterable[Item], *, seed: int) -> list[Item]:
    """Return the items in the order in which early stopping evaluates them: by a hash of seed and id, the items of a cluster together."""

    def place(name: str) -> str:
        return hashlib.sha256(f"{seed}:{name}".encode("utf-8", "surrogatepass")).hexdigest()

    return sorted(items, key=lambda item: (place(_group(item)), place(item.id), item.id))


def _group(item: Item) -> str:
    return f"item {item.id}" if item.cluster is None else f"cluster {item.cluster}"


def sequential_retention(
    reference: Measurement,
    candidate: Measurement,
    *,
    recipe: str,
    family: Family,
    gates: bool,
    policy: Policy,
    margin: Margin | None = None,
) -> Check | None:
    """Return the retention check if the candidate's items so far decide it, or if they are complete; None if more are needed.

    `reference` holds every planned item, `candidate` the first ones of `fixed_order(reference.items, seed=conditions.seed)` in whole
    clusters, with its `limit` set to their number. Four fifths of alpha are spent while items arrive, the rest on the full set
    (stats.sequential), so the error rates are at most alpha, as without early stopping. The interval is two-sided at 1 - 2 alpha and
    agrees with the verdict. `margin` replaces the benchmark margin, to stop only when the capability's margin is decided. A reference at
    chance, identical weights and incomparable measurements are returned at once; scores outside [0, 1] need all items. Raises
    UnicompError if the items are not the first ones of the order.
    """
    named: dict[str, Any] = {"recipe": recipe, "family": family, "gates": gates}
    policy = policy.of(recipe=recipe, capability=candidate.capability, benchmark=candidate.benchmark, metric=candidate.metric)
    margin = margin or policy.benchmark
    fields = describe(candidate, **named, question="retention", margin=margin, policy=policy)
    refused = not_comparable(reference, candidate, fields, ("reference", "candidate"))
    if refused is not None:
        return refused
    total = len(reference.items)
    full = len(candidate.items) == total
    anchored = why_at_chance(compare(reference, reference, fields), reference, policy) is None
    if candidate.same_model(reference) or not anchored:
        return retention(reference, candidate, **named, policy=policy, identical=False)
    _require_order(reference, candidate)
    comparison = _ordered(compare(reference, candidate, fields))
    try:
        found = _look(comparison, reference, policy, margin, total - comparison.unscored)
    except UnicompError:
        return retention(reference, candidate, **named, policy=policy, identical=False) if full else None
    if found.found is None:
        return None
    if not found.final:
        comparison = compare(*_first(reference, candidate, comparison, found.items), fields)
    return _check(comparison, found, found.found, margin, policy, total, reference.chance)


def _require_order(reference: Measurement, candidate: Measurement) -> None:
    """Raise UnicompError unless the items are the first of the fixed order: an order chosen after seeing scores voids the error rates."""
    expected = fixed_order(reference.items, seed=reference.conditions.seed)[: len(candidate.items)]
    if {item.id for item in expected} != {item.id for item in candidate.items}:
        raise UnicompError(
            f"unicomp: the {len(candidate.items)} items of {candidate.benchmark} evaluated so far are not the first of the fixed order "
            f"(seed {reference.conditions.seed}); expected the first of fixed_order(reference.items, seed={reference.conditions.seed})."
        )


def _ordered(comparison: Comparison) -> Comparison:
    """Return the comparison with its pairs, which are sorted by id, in the order of evaluation."""
    from dataclasses import replace

    seed = comparison.seed
    rank = {item.id: place for place, item in enumerate(fixed_order((after for _, after in comparison.pairs), seed=seed))}
    places = sorted(range(len(comparison.pairs)), key=lambda place: rank[comparison.pairs[place][1].id])

    def moved(values: Sequence[Any]) -> list[Any]:
        return [values[place] for place in places]

    return replace(
        comparison,
        pairs=moved(comparison.pairs),
        raw_reference=moved(comparison.raw_reference),
        before=moved(comparison.before),
        after=moved(comparison.after),
        clusters=None if comparison.clusters is None else moved(comparison.clusters),
    )


def _look(comparison: Comparison, reference: Measurement, policy: Policy, margin: Margin, total: int) -> stats.Sequential:
    if not comparison.bounded:
        raise UnicompError("unicomp: early stopping needs scores in [0, 1]; evaluate all items.")
    sizes = Counter(map(_group, reference.items))
    return stats.sequential_difference(
        comparison.before,
        comparison.after,
        comparison.clusters,
        alpha=policy.alpha,
        total=max(total, len(comparison.pairs)),
        allowances=comparison.allowances(margin),
        allowed=margin.range,
        largest_cluster=max(sizes.values()),
    )


def _first(reference: Measurement, candidate: Measurement, comparison: Comparison, items: int) -> tuple[Measurement, Measurement]:
    """Return both measurements cut to the first `items` pairs, those that decided."""
    kept = {after.id for _, after in comparison.pairs[:items]}
    return (
        reference.model_copy(update={"items": [item for item in reference.items if item.id in kept]}),
        candidate.model_copy(update={"items": [item for item in candidate.items if item.id in kept]}),
    )


def _check(
    comparison: Comparison,
    found: stats.Sequential,
    difference: stats.Paired,
    margin: Margin,
    policy: Policy,
    total: int,
    chance: float | None,
) -> Check:
    metric = str(comparison.fields["metric"])
    needed = wording.would_decide(items_to_decide(comparison.fields, difference.margin, difference.difference, alpha=policy.alpha))
    verdict, words = decide(difference, margin=margin, needed=needed, metric=metric, alpha=policy.alpha)
    detectable = stats.minimum_detectable_effect(difference.stderr, alpha=policy.alpha)
    basis = wording.basis(len(comparison.pairs), float(comparison.fields["discordance"]), detectable, metric)
    corrected = {} if chance is None else {"chance_corrected_retention": chance_corrected(comparison, chance)}
    how = (
        f"not decided early: all {total} items were evaluated, at {100 * (1 - stats.EARLY_SHARE):.0f} % of alpha"
        if found.final
        else f"stopped after {found.items} of {total} items"
    )
    replies = None if comparison.replies is None else without_p_values(comparison.replies)
    shown = {**numbers(difference, policy.alpha), **corrected, "replies": replies}
    return comparison.check(verdict, f"{words}; {how}; {basis}; interval: {difference.method}", **shown)
