"""Checks without a comparison: a missing baseline, and a recipe that could not be made or measured."""

from __future__ import annotations

from pytest_unicomp.api.records import Check, Dimension, Estimate, Family, Measurement, Question
from pytest_unicomp.compare.policy import Policy


def missing_baseline(
    current: Measurement,
    *,
    recipe: str,
    family: Family,
    gates: bool,
    policy: Policy,
    written: str | None = None,
    refusal: str | None = None,
) -> Check:
    """Return the drift check without a baseline: it fails if one was just written to the path `written`, else it is not comparable.

    `refusal` is the reason why this run's measurement cannot be a baseline and was not written.
    """
    if refusal is not None:
        reason = f"not comparable: no baseline, and none was written: {refusal}"
    elif written is not None:
        reason = f"no baseline yet: this run's evidence was written to {written}; review and commit it, and the next run compares with it"
    else:
        reason = "not comparable: no baseline, and none was written; --unicomp-update=missing writes one"
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=current.benchmark,
        dimension=current.dimension,
        capability=current.capability,
        question="drift",
        metric=current.metric,
        higher_is_better=current.higher_is_better,
        n=current.n,
        candidate=Estimate(value=current.value, stderr=current.stderr),
        confidence=policy.confidence,
        margin=policy.drift_margin,
        chance=current.chance,
        verdict="not_comparable" if written is None else "fail",
        reason=reason,
        seconds=current.seconds,
    )


def broken(
    *,
    recipe: str,
    family: Family,
    gates: bool,
    benchmark: str,
    dimension: Dimension,
    capability: str,
    question: Question,
    metric: str,
    higher_is_better: bool,
    policy: Policy,
    message: str,
) -> Check:
    """Return an error check with `message` as its reason: the recipe could not be made or measured, so it neither passes nor fails."""
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=benchmark,
        dimension=dimension,
        capability=capability,
        question=question,
        metric=metric,
        higher_is_better=higher_is_better,
        confidence=policy.confidence,
        margin=None,
        verdict="error",
        reason=message,
    )
