"""Pairs two comparable measurements and fills the fields that retention and drift checks share: values, difference, flips, divergence, changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.api.records import Check, Estimate, Family, Item, Measurement, ReplyChange, Verdict
from pytest_unicomp.compare import flips, stats, wording
from pytest_unicomp.compare.comparability import Pair, mismatch, paired
from pytest_unicomp.compare.divergence import divergence
from pytest_unicomp.compare.divergence_table import divergence_table
from pytest_unicomp.compare.divergent_replies import divergent_replies
from pytest_unicomp.compare.estimates import estimate
from pytest_unicomp.compare.expected import design_effect, spread
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.replies import replies, said
from pytest_unicomp.compare.uncertainty import uncertainty
from pytest_unicomp.config.margins import Margin


@dataclass(frozen=True)
class Comparison:
    """Paired scores of two comparable measurements, and the fields of their check.

    `before` and `after` are oriented so that larger is better; `raw_reference` keeps the metric's own direction. `bounded`: all scores lie in [0, 1].
    `unscored` counts the items that neither side could score, `tied` those whose options all tie on a side, which is worth a guess.
    """

    pairs: list[Pair]
    raw_reference: list[float]
    before: list[float]
    after: list[float]
    clusters: list[str] | None
    bounded: bool
    unscored: int
    tied: int
    seed: int
    replies: ReplyChange | None
    fields: dict[str, Any]

    @property
    def unit(self) -> str:
        """The metric as words show it: scores outside [0, 1] are not percentages."""
        metric = str(self.fields["metric"])
        return metric if self.bounded or metric in wording.UNITS else wording.PLAIN

    def allowances(self, margin: Margin) -> list[float]:
        """Return the loss allowed for each item; raise UnicompError if a relative margin has no meaning for these scores."""
        return margin.allowances(self.raw_reference, higher_is_better=bool(self.fields["higher_is_better"]))

    def difference(self, *, alpha: float, margin: Margin) -> stats.Paired:
        """Return the paired difference; raise UnicompError if its uncertainty cannot be estimated."""
        allowances = self.allowances(margin)
        return stats.paired_difference(self.before, self.after, self.clusters, alpha=alpha, allowances=allowances, bounded=self.bounded)

    def check(self, verdict: Verdict, reason: str, **fields: Any) -> Check:
        """Return the check with a verdict; its reason counts the items that neither side could score, and those whose options tie."""
        if self.unscored:
            reason = f"{reason}; left out: {wording.counted(self.unscored, 'item')} that neither side could score"
        if self.tied:
            reason = f"{reason}; all options of {wording.counted(self.tied, 'item')} tie, each counted as a guess"
        changed = said(self.replies) if self.replies is not None else ""
        if changed:
            reason = f"{reason}; {changed}"
        return Check(**{**self.fields, **fields}, verdict=verdict, reason=reason)


def describe(
    candidate: Measurement,
    *,
    recipe: str,
    family: Family,
    gates: bool,
    question: Literal["retention", "drift"],
    margin: Margin,
    policy: Policy,
) -> dict[str, Any]:
    """Return the fields that identify a check; a margin that depends on the reference stays None until the items are paired."""
    return {
        "recipe": recipe,
        "family": family,
        "gates": gates,
        "benchmark": candidate.benchmark,
        "dimension": candidate.dimension,
        "capability": candidate.capability,
        "question": question,
        "metric": candidate.metric,
        "higher_is_better": candidate.higher_is_better,
        "confidence": policy.confidence,
        "margin": margin.value if margin.kind == "absolute" else None,
        "chance": candidate.chance,
        "seconds": candidate.seconds,
    }


def not_comparable(reference: Measurement, candidate: Measurement, fields: dict[str, Any], names: tuple[str, str]) -> Check | None:
    """Return a `not_comparable` check with its reason, or None if the measurements are comparable."""
    found = mismatch(reference, candidate, names=names)
    if found is None:
        return None
    estimates = {"reference": Estimate(value=reference.value), "candidate": Estimate(value=candidate.value)}
    return Check(**fields, **estimates, n=len(candidate.items), verdict="not_comparable", reason=f"not comparable: {found}")


def compare(reference: Measurement, candidate: Measurement, fields: dict[str, Any]) -> Comparison:
    """Pair two comparable measurements and describe what changed between them."""
    pairs = paired(reference, candidate)
    # A baseline keeps rounded log-probabilities, which tie without being equal.
    tied = [fields["question"] == "retention" and any(map(_tied, pair)) for pair in pairs]
    raw = [[_credit(item, tie) for item, tie in zip(side, tied, strict=True)] for side in zip(*pairs, strict=True)]
    bounded = candidate.metric not in wording.UNITS and all(0 <= score <= 1 for side in raw for score in side)
    before, after = (_turned(side, candidate.higher_is_better, bounded) for side in raw)
    found = flips.kinds(pairs, candidate)
    differences, clusters = [new - old for old, new in zip(before, after, strict=True)], clusters_of(pairs)
    whole = all(value in (-1, 0, 1) for value in differences) and bounded
    first, second = (estimate(side, rate=bounded) for side in raw)
    changed = replies(pairs, clusters, alpha=(1 - float(fields["confidence"])) / 2)
    shown = {
        "n": len(pairs),
        "reference": first,
        "candidate": second,
        "difference": sum(after) / len(after) - sum(before) / len(before),
        "retention": _retention(first.value or 0.0, second.value or 0.0, candidate.higher_is_better),
        "flips": None if found is None else flips.counts(found),
        "examples": [] if found is None else flips.examples(found),
        "discordance": flips.discordance(pairs),
        "spread": spread(differences, bounded=bounded) if not whole and len(differences) > 1 else None,
        "design_effect": design_effect(differences, clusters),
        "divergence": divergence(pairs),
        "replies": changed,
        **(_informing(pairs, fields["confidence"]) if fields["question"] == "retention" else {}),
        "changes": changes(reference, candidate, weights=fields["question"] == "drift"),
    }
    return Comparison(
        pairs=pairs,
        raw_reference=raw[0],
        before=before,
        after=after,
        clusters=clusters,
        bounded=bounded,
        unscored=len(candidate.items) - len(pairs),
        tied=sum(tied),
        seed=reference.conditions.seed,
        replies=changed,
        fields={**fields, **shown},
    )


def _informing(pairs: Sequence[Pair], confidence: float) -> dict[str, Any]:
    """Return the fields of a retention check that decide nothing."""
    return {
        "divergence_table": divergence_table(pairs),
        "divergent_replies": divergent_replies(pairs),
        "uncertainty": uncertainty(pairs, clusters_of(pairs), alpha=(1 - confidence) / 2),
    }


def numbers(found: stats.Paired, alpha: float) -> dict[str, Any]:
    """Return the fields of a check that a paired difference gives, at one-sided level `alpha`."""
    return {
        "difference": found.difference,
        "interval": (found.lower, found.upper),
        "minimum_detectable_effect": stats.minimum_detectable_effect(found.stderr, alpha=alpha),
        "p_value": found.p_value,
        "margin": found.margin,
    }


def above_chance(scores: Sequence[float], clusters: Sequence[str] | None, chance: float, *, alpha: float) -> tuple[bool, float]:
    """Return True if the lower confidence bound (one-sided, 1 - alpha) of the mean score lies above `chance`, and that bound.

    Scores lie in [0, 1]. Scores of 0 or 1: Wilson's interval at the effective number of items; other scores: Student's t.
    """
    confidence, n = 1 - 2 * alpha, len(scores)
    effect = 1.0
    if clusters is not None and len(set(clusters)) > 1:
        clustered, independent = stats.clustered_mean(scores, clusters), stats.mean(scores)
        effect = max(1.0, (clustered.stderr / independent.stderr) ** 2) if independent.stderr > 0 else 1.0
    if all(score in (0, 1) for score in scores):
        lower, _ = stats.wilson_interval(sum(scores) / effect, n / effect, confidence=confidence)
    elif n > 1:
        estimate = stats.mean(scores)
        lower, _ = stats.t_interval(stats.Mean(estimate.value, estimate.stderr * effect**0.5, estimate.degrees), confidence=confidence)
    else:
        lower = 0.0
    return lower > chance, lower


def changes(reference: Measurement, candidate: Measurement, *, weights: bool) -> list[str]:
    """Return differences that leave two measurements comparable, each as "what: old -> new": versions, machine and, with `weights`, the weights."""
    names = sorted(reference.versions.keys() | candidate.versions.keys())
    old, new = reference.versions, candidate.versions
    found = [f"{name}: {old.get(name, 'absent')} -> {new.get(name, 'absent')}" for name in names if old.get(name) != new.get(name)]
    if reference.machine != candidate.machine:
        found.append(f"machine: {reference.machine} -> {candidate.machine}")
    if weights and reference.artifact != candidate.artifact:
        found.append(f"weights: {reference.artifact[:12]} -> {candidate.artifact[:12]}")
    return found


def _tied(item: Item) -> bool:
    """Return True if a right-or-wrong item was decided by the order of its options alone: the model finds all of them equally likely."""
    found = item.log_probabilities
    return found is not None and len(found) > 1 and len(set(found)) == 1 and item.score in (0, 1)


def _credit(item: Item, tied: bool) -> float:
    """Return the score of an item; one whose options all tie (here or on the other side: `tied`) is worth a guess among them."""
    return 1 / len(item.log_probabilities) if tied and item.log_probabilities and _tied(item) else float(item.score or 0)


def _turned(scores: Sequence[float], higher_is_better: bool, bounded: bool) -> list[float]:
    if higher_is_better:
        return list(scores)
    return [1 - score if bounded else -score for score in scores]


def clusters_of(pairs: Sequence[Pair]) -> list[str] | None:
    """Return each pair's cluster, or None if no item has one; an item without a cluster is its own, and the prefix prevents clashing names."""
    if all(after.cluster is None and before.cluster is None for before, after in pairs):
        return None
    named = [after.cluster if after.cluster is not None else before.cluster for before, after in pairs]
    return [f"item {after.id}" if name is None else f"cluster {name}" for name, (_, after) in zip(named, pairs, strict=True)]


def _retention(before: float, after: float, higher_is_better: bool) -> float | None:
    kept, whole = (after, before) if higher_is_better else (before, after)
    share = kept / whole if whole > 0 else math.inf
    return share if math.isfinite(share) else None
