"""Efficiency checks: the ratio candidate / reference of a cost, from paired timings or from two exact numbers such as bytes."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Dimension, Family, Measurement, Verdict
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.estimates import estimate
from pytest_unicomp.compare.policy import Policy


def ratio(
    reference: Sequence[float] | float,
    candidate: Sequence[float] | float,
    *,
    recipe: str,
    family: Family,
    gates: bool,
    benchmark: str,
    dimension: Dimension,
    capability: str,
    metric: str,
    margin: float,
    policy: Policy,
) -> Check:
    """Compare costs, lower is better: difference = 1 - candidate / reference, so that -0.1 means ten percent more.

    Sequences are paired rounds in time order; plain numbers are exact and their interval is a point. Pass iff lower > -margin, fail iff
    upper < -margin, else inconclusive; also under two rounds. Raises UnicompError for values that are not positive and finite, or not paired.
    """
    exact = isinstance(reference, (int, float)) or isinstance(candidate, (int, float))
    before = [float(reference)] if isinstance(reference, (int, float)) else [float(value) for value in reference]
    after = [float(candidate)] if isinstance(candidate, (int, float)) else [float(value) for value in candidate]
    found = _exact(before, after) if exact else _timed(before, after, policy.confidence)
    bounds = None if found is None else (1 - found.upper, 1 - found.lower)
    verdict, reason = _decide(found, margin=margin, metric=metric, rounds=None if exact else len(before), confidence=policy.confidence)
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=benchmark,
        dimension=dimension,
        capability=capability,
        question="efficiency",
        metric=metric,
        higher_is_better=False,
        n=len(before),
        reference=estimate(before),
        candidate=estimate(after),
        difference=None if found is None else 1 - found.value,
        interval=bounds,
        confidence=policy.confidence,
        margin=margin,
        verdict=verdict,
        reason=reason,
        seconds=0.0 if exact else sum(before) + sum(after),
    )


def size(
    reference: Measurement,
    candidate: Measurement,
    *,
    recipe: str,
    family: Family,
    gates: bool,
    policy: Policy,
    margin: float | None = None,
) -> Check:
    """Compare two exact numbers (bytes of an artifact) within `margin`, by default the benchmark margin; raise UnicompError where one is missing."""
    if reference.value is None or candidate.value is None:
        raise UnicompError(f"unicomp: {candidate.benchmark} of {recipe} has no value to compare; expected a number on both sides.")
    return ratio(
        reference.value,
        candidate.value,
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=candidate.benchmark,
        dimension=candidate.dimension,
        capability=candidate.capability,
        metric=candidate.metric,
        margin=policy.benchmark.excess if margin is None else margin,
        policy=policy,
    )


def _exact(before: Sequence[float], after: Sequence[float]) -> stats.Bounded:
    if len(before) != 1 or len(after) != 1 or not (0 < before[0] < float("inf") and 0 < after[0] < float("inf")):
        raise UnicompError(
            f"unicomp: a ratio of exact numbers found {list(before)} and {list(after)}; expected one positive finite number each."
        )
    value = after[0] / before[0]
    return stats.Bounded(value, value, value)


def _timed(before: Sequence[float], after: Sequence[float], confidence: float) -> stats.Bounded | None:
    if len(before) == len(after) < 2:
        return None
    return stats.ratio_interval(before, after, confidence=confidence)


def _decide(found: stats.Bounded | None, *, margin: float, metric: str, rounds: int | None, confidence: float) -> tuple[Verdict, str]:
    if found is None:
        return "inconclusive", f"not decided: {rounds} paired rounds were timed, at least 2 are needed"
    shown = f"{found.value:.3f} times the reference's {metric}"
    bounds = f"{100 * confidence:.0f} % interval {found.lower:.3f} to {found.upper:.3f}, {rounds} paired rounds"
    shown = f"{shown} ({'exact' if rounds is None else bounds})"
    limit = f"{1 + margin:.2f} times"
    if 1 - found.upper > -margin or (rounds is None and found.value <= 1 + margin):
        return "pass", f"{shown}, within the limit of {limit}"
    if 1 - found.lower < -margin:
        return "fail", f"{shown}, above the limit of {limit}"
    return "inconclusive", f"undecided: {shown}, on both sides of the limit of {limit}; more rounds would decide"
