"""Checks -> Report: the row of each recipe, the verdict of the run, scores, and what the report records of the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import (
    Artifact,
    Check,
    KernelReport,
    LeftOut,
    Origin,
    Partial,
    Ranking,
    RecipeVerdict,
    ReferenceSummary,
    Report,
)
from pytest_unicomp.config.settings import Settings, recorded
from pytest_unicomp.engine.host import host
from pytest_unicomp.report import scores
from pytest_unicomp.run import report_record
from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.checks import LATENCY_MARGIN
from pytest_unicomp.run.plan import REFERENCE, Plan
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.provenance import Provenance
from pytest_unicomp.run.quality import Quality, Scores
from pytest_unicomp.run.rank_recipes import rank_recipes
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.waive import Waiving, with_waivers


def conclude(
    prepared: Prepared,
    results: Results,
    quality: Quality,
    waiving: Waiving,
    checks: Sequence[Check],
    kernels: Sequence[KernelReport] = (),
    partial: Partial | None = None,
) -> Report:
    """Turn the checks that were made into the report: recipes, the run's verdict and its exit code.

    `kernels` are the tables of kernels; `partial` lists planned checks without a result.

    The store keeps the report as it is here; whoever changes it afterwards has to keep it again.
    """
    settings, planned, policy = prepared.settings, prepared.plan, prepared.policy
    judged = (_row(candidate, checks, results, policy, compare.missing_of(partial, candidate.name)) for candidate in planned.candidates)
    recipes, scored_by = _scored_rows([row for row in judged if row is not None], checks, quality, prepared.evaluation.scoring)
    verdict, exit_code, reason = compare.run_verdict(recipes, policy, partial)
    strict, _, _ = compare.run_verdict([row.model_copy(update={"verdict": row.without_waivers}) for row in recipes], policy, partial)
    waived = waiving.states(checks)
    gating = [candidate.name for candidate in planned.candidates if candidate.gates]
    made = Report(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        verdict=verdict,
        without_waivers=strict,
        waivers=waived,
        exit_code=exit_code,
        reason=with_waivers(reason, waived, strict),
        environment=host.describe(),
        policy=policy_record(settings, planned.benchmarks, gating, confidence=policy.confidence),
        # If nothing was asked, the reference may not even be on this machine.
        reference=_reference(results) if checks else None,
        recipes=recipes,
        checks=list(checks),
        calibration_gains=compare.calibration_gains(
            list(checks), before=settings.calibration, after=settings.calibration_target or "", policy=policy
        ),
        findings=quality.findings(scored_by) if scored_by else [],
        pareto=scores.points(recipes, checks),
        cheapest=scores.cheapest(recipes),
        unchanged=compare.unchanged_gate([row.unchanged for row in recipes if row.gates]),
        rankings=[] if settings.sequential else _rankings(checks, results, policy),
        kernels=list(kernels),
        origins=[] if settings.sequential else _origins(checks, results),
        partial=partial,
    )
    return report_record.kept(made, prepared.store)


def place(check: Check, planned: Plan) -> tuple[int, int, str]:
    """Return the sort key of a check in the report: candidate, then benchmark, then question, regardless of the order of execution."""
    # Checks of the reference itself stand before those of the recipes.
    recipes = [REFERENCE, *(candidate.name for candidate in planned.candidates)]
    names = ["artifact", *planned.benchmarks]
    return recipes.index(check.recipe), names.index(check.benchmark), check.question


def _row(
    candidate: Candidate, checks: Sequence[Check], results: Results, policy: compare.Policy, missing: Sequence[LeftOut]
) -> RecipeVerdict | None:
    own = [check for check in checks if check.recipe == candidate.name]
    if not own:
        return None
    try:
        artifact = results.artifact(candidate.name)
    except UnicompError:
        artifact = None
    return recipe(own, artifact, policy=policy, missing=missing)


def _scored_rows(
    rows: Sequence[RecipeVerdict], checks: Sequence[Check], quality: Quality, scoring: Literal["paper", "corrected"]
) -> tuple[list[RecipeVerdict], dict[str, Scores]]:
    """Fill in the thirteen scores; return the quality scores by recipe too."""
    efficiency = scores.efficiency_scores(checks, {row.recipe: row.artifact for row in rows})
    filled, found = [], {}
    for row in rows:
        measured = scored([check for check in checks if check.recipe == row.recipe])
        found[row.recipe] = quality.of(row.recipe, [check.benchmark for check in measured])
        filled.append(with_scores(row, found[row.recipe], efficiency[row.recipe], scoring))
    return filled, found


def _origins(checks: Sequence[Check], results: Results) -> list[Origin]:
    """Return the origins of the measurements that retention was decided from; if a run stops early no measurement is whole."""
    provenance = Provenance()
    for check in paired(checks):
        provenance.note(REFERENCE, results.reference(check.benchmark))
        provenance.note(check.recipe, results.measurement(check.recipe, check.benchmark))
    return provenance.origins()


def _rankings(checks: Sequence[Check], results: Results, policy: compare.Policy) -> list[Ranking]:
    return rank_recipes(scored(checks), lambda check: results.measurement(check.recipe, check.benchmark), policy)


def _reference(results: Results) -> ReferenceSummary | None:
    try:
        model = results.model
    except UnicompError:
        return None
    return ReferenceSummary(model=model.name, fingerprint=model.fingerprint, parameters=model.parameters, bytes=model.bytes)


def recipe(own: Sequence[Check], artifact: Artifact | None, *, policy: compare.Policy, missing: Sequence[LeftOut] = ()) -> RecipeVerdict:
    """Return the verdict of the recipe that `own`, at least one check, are all about; `artifact` is None if it could not be made.

    `missing` are the planned tests of it that have no answer.
    """
    verdict, reason, capabilities = compare.recipe_verdict(own, policy=policy, missing=missing)
    strict, _, _ = compare.recipe_verdict([check.model_copy(update={"waived": False}) for check in own], policy=policy, missing=missing)
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
        unchanged=compare.unchanged(own, capabilities, policy),
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
    """Return a recipe's row with the thirteen scores, their intervals and bases, and the paper's published rows for comparison."""
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
    """Return the policy section of the report: the recorded options, the confidence, the latency margin, and the `benchmarks` and `gating` recipes."""
    return {
        **recorded(settings),
        "confidence": confidence,
        "latency_margin": LATENCY_MARGIN,
        "benchmarks": list(benchmarks),
        "gating": list(gating),
    }
