"""Makes the verdicts of recipes and run again, from the report's checks and the evidence behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from pytest_unicomp import compare, conclusion, scores
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
    if not own:
        return Answer(what, "differs", "the report holds no check of it")
    try:
        again = conclusion.recipe(own, recipe.artifact, policy=policy)
        again = _with_scores(report, again, own, policy, store)
    except UnicompError as error:
        return Answer(what, "differs", str(error).removeprefix("unicomp: "))
    except Gone as gone:
        return Answer(what, gone.state, f"its scores: {gone.note}")
    found = differences(recipe, again)
    return Answer(what, "differs" if found else "as_reported", "; ".join(found) or "made again from its checks and their evidence")


def _with_scores(report: Report, again: RecipeVerdict, own: Sequence[Check], policy: compare.Policy, store: Store) -> RecipeVerdict:
    pairs = {}
    for check in conclusion.scored(own) if not report.policy.get("sequential") else ():
        if not check.sources:
            raise Gone("missing", f"its check on {check.benchmark} names no evidence")
        reference, candidate = (measurement(store, source) for source in check.sources)
        pairs[check.benchmark] = (reference, candidate)
    scoring: Scoring = "paper" if report.policy.get("scoring") == "paper" else "corrected"
    quality = scores.scores(pairs, scoring, confidence=policy.confidence, seed=int(report.policy.get("seed", 0)))
    efficiency = scores.efficiency_scores(report.checks, {recipe.recipe: recipe.artifact for recipe in report.recipes})
    return conclusion.with_scores(again, quality, efficiency[again.recipe], scoring)


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
