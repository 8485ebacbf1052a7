"""From a recipe's checks to its row in the report, and what the report says of the policy: a run asks here, and so does whoever recomputes a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pytest_unicomp import compare
from pytest_unicomp.api.records import Artifact, Check, RecipeVerdict
from pytest_unicomp.config.settings import Settings, recorded
from pytest_unicomp.report import scores
from pytest_unicomp.run.checks import LATENCY_MARGIN


def recipe(own: Sequence[Check], artifact: Artifact | None, *, policy: compare.Policy) -> RecipeVerdict:
    """Return the verdict of the recipe that `own`, at least one check, are all about; `artifact` is None where it could not be made."""
    verdict, reason, capabilities = compare.recipe_verdict(own, policy=policy)
    strict, _, _ = compare.recipe_verdict([check.model_copy(update={"waived": False}) for check in own], policy=policy)
    return RecipeVerdict(
        recipe=own[0].recipe,
        family=own[0].family,
        gates=own[0].gates,
        settings=artifact.settings if artifact else {},
        calibration=artifact.calibration if artifact else None,
        verdict=verdict,
        without_waivers=strict,
        reason=reason,
        capabilities=capabilities,
        hidden_danger=compare.hidden_danger(own, capabilities, policy),
        artifact=artifact,
    )


def paired(checks: Sequence[Check]) -> list[Check]:
    """Return the checks that rest on a measurement of the reference and one of a recipe."""
    return [check for check in checks if check.question == "retention" and check.verdict != "error"]


def scored(own: Sequence[Check]) -> list[Check]:
    """Return the checks of a recipe whose measurements its quality scores rest on."""
    return [check for check in paired(own) if check.verdict != "not_comparable"]


def with_scores(
    judged: RecipeVerdict,
    quality: Mapping[str, scores.Score],
    efficiency: Mapping[str, float | None],
    scoring: Literal["paper", "corrected"],
) -> RecipeVerdict:
    """Return a recipe's row with the thirteen scores, their intervals, what each rests on, and the paper's own rows beside it."""
    values = {name: quality[name].value if name in quality else efficiency.get(name) for name in scores.SCORES}
    known = {name: score for name, score in quality.items() if name in values}
    return judged.model_copy(
        update={
            "scores": values if any(value is not None for value in values.values()) else {},
            "score_intervals": {name: score.interval for name, score in known.items() if score.interval is not None},
            "score_basis": {name: score.basis for name, score in known.items()},
            "published": scores.published_rows(judged.recipe, scoring),
        }
    )


def policy_record(settings: Settings, benchmarks: Sequence[str], gating: Sequence[str], *, confidence: float) -> dict[str, Any]:
    """Return what a report says of the policy that its verdicts follow from; `gating` are the recipes that decide."""
    return {
        **recorded(settings),
        "confidence": confidence,
        "latency_margin": LATENCY_MARGIN,
        "benchmarks": list(benchmarks),
        "gating": list(gating),
    }
