"""Makes the verdicts of recipes and run again, from the report's checks and the evidence behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from pytest_unicomp import compare, scores
from pytest_unicomp.errors import UnicompError
from pytest_unicomp.records import Check, RecipeVerdict, Report
from pytest_unicomp.scores.published import Scoring
from pytest_unicomp.store import Store
from pytest_unicomp.verification.answer import Answer
from pytest_unicomp.verification.differences import differences
from pytest_unicomp.verification.evidence import Gone, measurement
from pytest_unicomp.waivers import Waiver
from pytest_unicomp.waiving import Waiving, with_waivers


def recipe_answer(report: Report, recipe: RecipeVerdict, policy: compare.Policy, store: Store) -> Answer:
    """Make a recipe's verdict, capabilities and scores again, from the report's checks and the evidence behind them."""
    what = f"the recipe {recipe.recipe}"
    own = [check for check in report.checks if check.recipe == recipe.recipe]
    if any(check.waived != waived for check, waived in zip(own, _waived(report, own, policy), strict=True)):
        return Answer(what, "differs", "a check is waived that no waiver excuses, or the reverse")
    try:
        verdict, reason, capabilities = compare.recipe_verdict(own, policy=policy)
        strict, _, _ = compare.recipe_verdict([check.model_copy(update={"waived": False}) for check in own], policy=policy)
    except UnicompError as error:
        return Answer(what, "differs", str(error).removeprefix("unicomp: "))
    update: dict[str, Any] = {
        "verdict": verdict,
        "without_waivers": strict,
        "reason": reason,
        "capabilities": capabilities,
        "hidden_danger": compare.hidden_danger(own, capabilities, policy),
    }
    try:
        update |= _scores(report, own, policy, store)
    except Gone as gone:
        return Answer(what, gone.state, f"its scores: {gone.note}")
    found = differences(recipe, recipe.model_copy(update=update))
    return Answer(what, "differs" if found else "as_reported", "; ".join(found) or "made again from its checks and their evidence")


def _scores(report: Report, own: Sequence[Check], policy: compare.Policy, store: Store) -> dict[str, Any]:
    pairs = {}
    for check in own if not report.policy.get("sequential") else ():
        if check.question == "retention" and check.verdict not in ("error", "not_comparable"):
            if not check.sources:
                raise Gone("missing", f"its check on {check.benchmark} names no evidence")
            reference, candidate = (measurement(store, source) for source in check.sources)
            pairs[check.benchmark] = (reference, candidate)
    scoring: Scoring = "paper" if report.policy.get("scoring") == "paper" else "corrected"
    found = scores.scores(pairs, scoring, confidence=policy.confidence, seed=int(report.policy.get("seed", 0)))
    artifacts = {recipe.recipe: recipe.artifact for recipe in report.recipes}
    efficiency = scores.efficiency_scores(report.checks, artifacts)[own[0].recipe]
    values = {name: found[name].value if name in found else efficiency.get(name) for name in scores.SCORES}
    return {
        "scores": values if any(value is not None for value in values.values()) else {},
        "score_intervals": {name: score.interval for name, score in found.items() if score.interval is not None},
        "score_basis": {name: score.basis for name, score in found.items()},
    }


def _waived(report: Report, own: Sequence[Check], policy: compare.Policy) -> list[bool]:
    waiving = _waiving(report, policy)
    return [waiving.excused(check.model_copy(update={"waived": False})).waived for check in own]


def _waiving(report: Report, policy: compare.Policy) -> Waiving:
    waivers = [
        Waiver(
            recipe=state.recipe,
            owner=state.owner,
            reason=state.reason,
            expires=date.fromisoformat(state.expires),
            evidence=state.evidence,
            benchmark=state.benchmark,
            capability=state.capability,
            question=state.question,
        )
        for state in report.waivers
    ]

    def siblings(recipe: str, capability: str) -> list[Check]:
        chosen = [check for check in report.checks if (check.recipe, check.capability, check.question) == (recipe, capability, "retention")]
        return [check.model_copy(update={"waived": False}) for check in chosen]

    return Waiving(waivers, datetime.fromisoformat(report.created).date(), policy, siblings)


def run_answer(report: Report, policy: compare.Policy) -> Answer:
    """Make the run's verdict and exit code again, from its recipes, and what became of its waivers."""
    verdict, code, reason = compare.run_verdict(report.recipes, policy)
    strict, _, _ = compare.run_verdict(
        [recipe.model_copy(update={"verdict": recipe.without_waivers or recipe.verdict}) for recipe in report.recipes], policy
    )
    states = _waiving(report, policy).states(report.checks)
    update = {
        "verdict": verdict,
        "exit_code": code,
        "reason": with_waivers(reason, states, strict),
        "without_waivers": strict,
        "waivers": states,
        "pareto": scores.points(report.recipes, report.checks),
        "cheapest": scores.cheapest(report.recipes),
    }
    found = differences(report, report.model_copy(update=update))
    return Answer("the run", "differs" if found else "as_reported", "; ".join(found) or "made again from its recipes")
