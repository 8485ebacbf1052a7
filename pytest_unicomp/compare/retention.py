"""The retention check: paired non-inferiority of a candidate to its reference on one benchmark."""

from __future__ import annotations

from math import inf
from typing import Any

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Family, Measurement, Verdict
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.expected import items_to_decide
from pytest_unicomp.compare.pairing import Comparison, above_chance, compare, describe, not_comparable, numbers
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.replies import cut_in_thought
from pytest_unicomp.compare.slices import worst_slice
from pytest_unicomp.config.margins import Margin


def retention(
    reference: Measurement, candidate: Measurement, *, recipe: str, family: Family, gates: bool, policy: Policy, identical: bool
) -> Check:
    """Compare a candidate with its reference at the benchmark margin; no content of the measurements raises.

    The first of these that applies decides: a benchmark that could not be scored is inconclusive; a mismatch is not comparable; identical
    weights by the same backend or command (`Measurement.same_model`, or `identical`) pass; a reference that is not above chance is
    inconclusive; then pass iff the lower bound > -margin, fail iff the upper bound < -margin, else inconclusive.
    `chance_corrected_retention` is None if the reference is not above chance; pooling relies on that.
    """
    policy = policy.of(recipe=recipe, capability=candidate.capability, benchmark=candidate.benchmark, metric=candidate.metric)
    margin = policy.benchmark
    fields = describe(candidate, recipe=recipe, family=family, gates=gates, question="retention", margin=margin, policy=policy)
    fields |= {"floors": candidate.floors, "judge": candidate.conditions.judge, "judge_agreement": candidate.judge_agreement}
    if candidate.conditions.judge != "none" or candidate.floors:
        fields["unanswered"] = (reference.unanswered, candidate.unanswered)
    missing = candidate.unavailable or reference.unavailable
    if missing is not None:
        return Check(**fields, n=len(candidate.items), verdict="inconclusive", reason=missing)
    refused = not_comparable(reference, candidate, fields, ("reference", "candidate"))
    if refused is not None:
        return refused
    comparison = compare(reference, candidate, fields)
    comparison.fields["worst_slice"] = worst_slice(comparison, margin, alpha=policy.alpha)
    unanchored = why_at_chance(comparison, reference, policy)
    if unanchored is not None:
        unanchored = cut_in_thought(comparison.replies) or unanchored
    corrected: dict[str, Any] = {}
    if unanchored is None and reference.chance is not None:
        corrected["chance_corrected_retention"] = chance_corrected(comparison, reference.chance)
    if identical or candidate.same_model(reference):
        return _identical(comparison, policy, **corrected)
    try:
        found = comparison.difference(alpha=policy.alpha, margin=margin)
        corrected |= _for_capability(comparison, policy)
    except UnicompError as error:
        return comparison.check("inconclusive", f"the uncertainty is unknown: {error.detail}", **corrected)
    if unanchored is not None:
        return comparison.check("inconclusive", unanchored, **{**numbers(found, policy.alpha), "p_value": None}, **corrected)
    needed = items_to_decide(comparison.fields, found.margin, found.difference, alpha=policy.alpha)
    verdict, words = decide(found, margin=margin, needed=wording.would_decide(needed), metric=comparison.unit, alpha=policy.alpha)
    detectable = stats.minimum_detectable_effect(found.stderr, alpha=policy.alpha)
    share = float(comparison.fields["discordance"])
    reason = f"{words}; {wording.basis(len(comparison.pairs), share, detectable, comparison.unit)}; interval: {found.method}{_vacuous(comparison, reference, found.margin)}"
    return comparison.check(verdict, reason, **numbers(found, policy.alpha), **corrected)


def decide(found: stats.Paired, *, margin: Margin, needed: str, metric: str, alpha: float) -> tuple[Verdict, str]:
    """Return the verdict of the non-inferiority rule, and its reason; `needed` says how many items would decide, "" (pooled benchmarks) leaves it out."""
    shown = wording.interval(found.difference, found.lower, found.upper, metric, 1 - 2 * alpha)
    limit = wording.limit(margin, found.margin, metric)
    answer = stats.non_inferiority(found.lower, found.upper, found.margin)
    if answer == "better":
        return (
            "pass",
            f"kept: {shown}, suspicious: better than the reference by more than {limit}; look for leaked test items or a changed prompt",
        )
    if answer == "kept":
        return "pass", f"kept: {shown}, a loss of more than {limit} is ruled out"
    if answer == "lost":
        return "fail", f"lost: {shown}, more than the {limit} allowed"
    state = "a drop is detected, its size undecided" if found.upper < 0 else "undecided"
    return "inconclusive", f"{state}: {shown}, on both sides of the {limit} allowed" + (f"; {needed}" if needed else "")


def why_at_chance(comparison: Comparison, reference: Measurement, policy: Policy, *, subject: str = "the reference") -> str | None:
    """Return why `subject` cannot show a loss, or None if its lower confidence bound lies above chance.

    A metric without a chance level has a floor, 0 or the worst rate: a reference that scores it on every item has nothing to lose.
    """
    chance = reference.chance
    if chance is None:
        return _why_at_floor(comparison, reference, subject)
    turned = chance if reference.higher_is_better else 1 - chance
    above, lower = above_chance(comparison.before, comparison.clusters, turned, alpha=policy.alpha)
    if above:
        return None
    value = sum(comparison.before) / len(comparison.before)
    bound, level = (lower, value) if reference.higher_is_better else (1 - lower, 1 - value)
    return (
        f"{subject} is at chance: {wording.level(level, reference.metric)} (confidence bound {wording.level(bound, reference.metric)}, chance "
        f"level {wording.level(chance, reference.metric)}), so these {len(comparison.pairs)} items cannot show a loss"
    )


def _why_at_floor(comparison: Comparison, reference: Measurement, subject: str) -> str | None:
    lowest = 0.0 if comparison.bounded or reference.higher_is_better else -inf
    if any(score != lowest for score in comparison.before) or any(score < lowest for score in comparison.after):
        return None
    value = wording.level(comparison.raw_reference[0], comparison.unit)
    return f"{subject} is at the floor: {value} on all {len(comparison.pairs)} items, so they cannot show a loss"


def _share(comparison: Comparison, margin: Margin) -> float | None:
    try:
        allowed = comparison.allowances(margin)
    except UnicompError:
        return None
    return sum(allowed) / len(allowed)


def _vacuous(comparison: Comparison, reference: Measurement, margin: float) -> str:
    """Return a warning if the margin allows everything that the reference has above chance, so that the check could hardly fail."""
    value = comparison.fields["reference"].value
    if reference.chance is None or abs(value - reference.chance) > margin:
        return ""
    return f"; weak check: the reference is only {wording.amount(abs(value - reference.chance), reference.metric)} from chance, within the margin"


def chance_corrected(comparison: Comparison, chance: float) -> float:
    """Return the share kept of the reference's distance from chance; the reference must be above chance."""
    before, after = comparison.fields["reference"].value, comparison.fields["candidate"].value
    return float((after - chance) / (before - chance))


def _for_capability(comparison: Comparison, policy: Policy) -> dict[str, Any]:
    """Return the interval at the capability's margin; empty if it is the benchmark's, or if both margins are absolute."""
    capability, benchmark = policy.capability, policy.benchmark
    if capability == benchmark or capability.kind == benchmark.kind == "absolute":
        return {}
    found = comparison.difference(alpha=policy.alpha, margin=capability)
    return {"capability_interval": (found.lower, found.upper), "capability_margin": found.margin}


def _identical(comparison: Comparison, policy: Policy, **fields: Any) -> Check:
    """Return the pass of a model compared with itself: the difference is 0 by definition, and any other scores are noise, which the reason names."""
    share = float(comparison.fields["discordance"])
    note = f"; but {100 * share:.1f} % of the items were scored differently: the evaluation is not deterministic" if share else ""
    known: dict[str, Any] = {"difference": 0.0, "interval": (0.0, 0.0), "p_value": 1.0, "minimum_detectable_effect": 0.0}
    if policy.benchmark.kind != "absolute":
        known["margin"] = _share(comparison, policy.benchmark)
    if policy.capability.kind != "absolute":
        known |= {"capability_interval": (0.0, 0.0), "capability_margin": _share(comparison, policy.capability)}
    return comparison.check(
        "pass", f"identical weights, so nothing is lost on these {len(comparison.pairs)} items{note}", **known, **fields
    )
