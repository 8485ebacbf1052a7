"""Gain from other calibration text (`--unicomp-calibration-target`): one recipe made twice with different texts, compared on the same items."""

from __future__ import annotations

from typing import Any

from pytest_unicomp.api.records import CalibrationGain, Check, Family, Measurement, Verdict
from pytest_unicomp.compare import wording
from pytest_unicomp.compare.policy import Policy
from pytest_unicomp.compare.pooling import pool
from pytest_unicomp.compare.retention import retention


def calibration_gain(before: Measurement, after: Measurement, *, recipe: str, family: Family, policy: Policy) -> Check:
    """Compare the recipe calibrated on the target's text (`after`) with itself calibrated on the run's (`before`), item by item.

    `difference` is positive if the target's text is better. pass: the interval lies above 0; fail: below 0; else inconclusive. The check
    informs only.
    """
    check = retention(before, after, recipe=recipe, family=family, gates=False, policy=policy, identical=False)
    fields: dict[str, Any] = {
        "question": "calibration",
        "margin": None,
        "p_value": None,
        "capability_interval": None,
        "capability_margin": None,
    }
    if check.interval is None or check.difference is None:
        return check.model_copy(update=fields)
    verdict, words = _judged(check.difference, check.interval, check.metric, check.confidence)
    return check.model_copy(update={**fields, "verdict": verdict, "reason": f"{words}; {wording.counted(check.n, 'item')}"})


def calibration_gains(checks: list[Check], *, before: str, after: str, policy: Policy) -> list[CalibrationGain]:
    """Pool the gains per recipe and capability, benchmarks weighted equally; nats and rates apart; checks without an interval are left out."""
    found = []
    kept = [check for check in checks if check.question == "calibration" and check.interval is not None]
    groups = dict.fromkeys((check.recipe, check.capability, check.metric == wording.NATS) for check in kept)
    for recipe, capability, nats in groups:
        own = [check for check in kept if (check.recipe, check.capability, check.metric == wording.NATS) == (recipe, capability, nats)]
        pooled = pool([check.model_copy(update={"question": "retention"}) for check in own], policy=policy)
        if pooled.difference is None or pooled.interval is None:
            continue
        verdict, words = _judged(pooled.difference, pooled.interval, own[0].metric, pooled.confidence)
        found.append(
            CalibrationGain(
                recipe=recipe,
                calibration=before,
                target=after,
                capability=capability,
                metric="nats_per_token" if nats else "rate",
                benchmarks=[check.benchmark for check in own],
                n=sum(check.n for check in own),
                difference=pooled.difference,
                interval=pooled.interval,
                confidence=pooled.confidence,
                verdict=verdict,
                reason=words,
            )
        )
    return found


def _judged(difference: float, interval: tuple[float, float], metric: str, confidence: float) -> tuple[Verdict, str]:
    shown = wording.interval(difference, *interval, metric, confidence)
    if interval[0] > 0:
        return "pass", f"gains: {shown}"
    if interval[1] < 0:
        return "fail", f"costs: {shown}"
    return "inconclusive", f"no difference shown: {shown}"
