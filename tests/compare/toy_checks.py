"""Checks and recipes with given numbers, for the tests of pooling and of verdicts."""

from __future__ import annotations

from pytest_unicomp.api.records import Check, Estimate, RecipeVerdict
from pytest_unicomp.compare import (
    Policy,
)

POLICY = Policy()


WHO = {"recipe": "toy", "family": "pruning", "gates": True}


WHERE = {"dimension": "efficiency", "capability": "runtime_acceleration"}


def kept(low, high, *, benchmark="one", **changes):
    """A retention check with this interval and the verdict that follows from it."""
    verdict = "pass" if low > -0.05 else "fail" if high < -0.05 else "inconclusive"
    fields = {
        "benchmark": benchmark,
        "dimension": "performance",
        "capability": "knowledge",
        "question": "retention",
        "metric": "acc",
        "higher_is_better": True,
        "n": 500,
        "reference": Estimate(value=0.8),
        "candidate": Estimate(value=0.8 + (low + high) / 2),
        "difference": (low + high) / 2,
        "interval": (low, high),
        "confidence": 0.9,
        "margin": 0.05,
        "p_value": {"fail": 0.01, "inconclusive": 0.4, "pass": 0.99}[verdict],
        "verdict": verdict,
        "reason": f"{benchmark} says {verdict}",
    }
    return Check.model_validate({**WHO, **fields, **changes})


def other(verdict, question="artifact"):
    return kept(-0.01, 0.01, benchmark="artifact", question=question, verdict=verdict, p_value=None, reason=f"artifact says {verdict}")


def recipe(verdict, *, gates=True, name="toy"):
    return RecipeVerdict(
        recipe=name,
        family="pruning",
        gates=gates,
        settings={},
        calibration=None,
        verdict=verdict,
        reason=f"because {verdict}",
        capabilities=[],
        artifact=None,
    )
