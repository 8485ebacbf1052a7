"""Recomputes a report's conclusions from its checks: verdicts of recipes and run, scores, the paper's findings, provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Claim, Origin, RecipeVerdict, Report
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.differences import differences
from pytest_unicomp.cli.verify.evidence import Evidence, Gone
from pytest_unicomp.cli.verify.older import absent
from pytest_unicomp.config.waivers import Waiver
from pytest_unicomp.report import scores
from pytest_unicomp.report.scores.published import Scoring
from pytest_unicomp.run import conclude
from pytest_unicomp.run.plan import REFERENCE
from pytest_unicomp.run.provenance import Provenance
from pytest_unicomp.run.rank_recipes import rank_recipes
from pytest_unicomp.run.waive import Waiving, with_waivers


@dataclass(frozen=True)
class Conclusions:
    """Draws a report's conclusions again from its checks and the evidence behind them, by a policy."""

    report: Report
    policy: compare.Policy
    evidence: Evidence
    _scores: dict[str, dict[str, scores.Score]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def answers(self) -> list[Answer]:
        """Return one answer per recipe, one each for the findings, the origins and the rankings, and one for the run."""
        return [
            *map(self._of_recipe, self.report.recipes),
            self._answer("the findings", "the scores of the recipes", self._findings),
            self._answer("the origins", "the evidence of the checks", self._origins),
            self._answer("the rankings", "the evidence of the checks", self._rankings),
            self._answer("the run", "its recipes", self._run),
        ]

    def _of_recipe(self, recipe: RecipeVerdict) -> Answer:
        return self._answer(f"the recipe {recipe.recipe}", "its checks and their evidence", lambda: self._recipe(recipe))

    def _answer(self, what: str, source: str, find: Callable[[], Sequence[str]]) -> Answer:
        try:
            found = find()
        except UnicompError as error:
            return Answer(what, "differs", error.detail)
        except Gone as gone:
            return Answer(what, gone.state, gone.note)
        return Answer(what, "differs" if found else "as_reported", "; ".join(found) or f"made again from {source}")

    # Each returns what differs

    def _recipe(self, recipe: RecipeVerdict) -> list[str]:
        own = self._checks_of(recipe.recipe)
        if any(check.waived != waived for check, waived in zip(own, self._waived(own), strict=True)):
            return ["a check is waived that no waiver excuses, or the reverse"]
        if not own:
            return ["the report holds no check of it"]
        missing = compare.missing_of(self.report.partial, recipe.recipe)
        again = conclude.recipe(own, recipe.artifact, policy=self.policy, missing=missing)
        efficiency = self._efficiency[recipe.recipe]
        made = conclude.with_scores(again, self._quality(recipe.recipe), efficiency, self._scoring)
        return differences(recipe, made, leave=absent(recipe))

    def _findings(self) -> list[str]:
        recipes = self.report.recipes
        quality = {recipe.recipe: self._quality(recipe.recipe) for recipe in recipes}
        families = {recipe.recipe: recipe.family for recipe in recipes}
        methods = {recipe.recipe: str(recipe.settings.get("method")) for recipe in recipes}
        again = scores.findings(quality, families, methods, confidence=self.policy.confidence)
        reported, made = _tested(self.report.findings), _tested(again)
        differing = [f"{claim} ({about}) is not what the scores say" for claim, about in reported if (claim, about) not in made]
        differing += [f"{claim} ({about}) was tested and is not in the report" for claim, about in made if (claim, about) not in reported]
        for key in reported.keys() & made.keys():
            differing += [f"{' ('.join(key)}): {found}" for found in differences(reported[key], made[key])]
        return differing

    def _origins(self) -> list[str]:
        provenance = Provenance()
        for check in () if self.report.policy.get("sequential") else conclude.paired(self.report.checks):
            for recipe, made in zip((REFERENCE, check.recipe), self.evidence.pair(check), strict=True):
                provenance.note(recipe, made)
        reported, again = _undated(self.report.origins), _undated(provenance.origins())
        return differences(self.report.model_copy(update={"origins": reported}), self.report.model_copy(update={"origins": again}))

    def _rankings(self) -> list[str]:
        if "rankings" in absent(self.report):
            return []
        checks = [] if self.report.policy.get("sequential") else conclude.scored(self.report.checks)
        again = rank_recipes(checks, lambda check: self.evidence.pair(check)[1], self.policy)
        short = self.report.model_copy(update={"checks": [], "recipes": []})
        return differences(short, short.model_copy(update={"rankings": again}))

    def _run(self) -> list[str]:
        report = self.report
        verdict, code, reason = compare.run_verdict(report.recipes, self.policy, report.partial)
        strict, _, _ = compare.run_verdict(
            [recipe.model_copy(update={"verdict": recipe.without_waivers or recipe.verdict}) for recipe in report.recipes],
            self.policy,
            report.partial,
        )
        states = self._waiving.states(report.checks)
        texts = {"before": report.policy.get("calibration") or "", "after": report.policy.get("calibration_target") or ""}
        update = {
            "verdict": verdict,
            "exit_code": code,
            "reason": with_waivers(reason, states, strict),
            "without_waivers": strict,
            "waivers": states,
            "calibration_gains": compare.calibration_gains(report.checks, **texts, policy=self.policy),
            "pareto": scores.points(report.recipes, report.checks),
            "cheapest": scores.cheapest(report.recipes),
            "unchanged": compare.unchanged_gate([recipe.unchanged for recipe in report.recipes if recipe.gates]),
        }
        # The checks are proven one by one; a large report takes long to write out twice.
        short = report.model_copy(update={"checks": [], "recipes": []})
        return differences(short, short.model_copy(update=update), leave=absent(report))

    # What they rest on

    def _checks_of(self, recipe: str) -> list[Check]:
        return self._by_recipe.get(recipe, [])

    @cached_property
    def _by_recipe(self) -> dict[str, list[Check]]:
        found: dict[str, list[Check]] = {}
        for check in self.report.checks:
            found.setdefault(check.recipe, []).append(check)
        return found

    @cached_property
    def _efficiency(self) -> Mapping[str, Mapping[str, float | None]]:
        return scores.efficiency_scores(self.report.checks, {recipe.recipe: recipe.artifact for recipe in self.report.recipes})

    @property
    def _scoring(self) -> Scoring:
        return "paper" if self.report.policy.get("scoring") == "paper" else "corrected"

    def _quality(self, recipe: str) -> Mapping[str, scores.Score]:
        if recipe not in self._scores:
            checks = () if self.report.policy.get("sequential") else conclude.scored(self._checks_of(recipe))
            found = {check.benchmark: self.evidence.pair(check) for check in checks}
            pairs = {name: pair for name, pair in found.items() if compare.mismatch(*pair) is None}
            seed = int(self.report.policy.get("seed", 0))
            self._scores[recipe] = scores.scores(pairs, self._scoring, confidence=self.policy.confidence, seed=seed)
        return self._scores[recipe]

    def _waived(self, own: Sequence[Check]) -> list[bool]:
        waiving = self._waiving
        return [
            waiving.excused(check, _siblings(check, own) if waiving.by_capability(check) else ()).waived for check in map(_unwaived, own)
        ]

    @cached_property
    def _waiving(self) -> Waiving:
        try:
            return self._waivers_on(datetime.fromisoformat(self.report.created).date())
        except ValueError as error:
            raise UnicompError(f"the report holds a date that is none: {error}") from error

    def _waivers_on(self, day: date) -> Waiving:
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
            for state in self.report.waivers
        ]
        return Waiving(waivers, day, self.policy)


def _siblings(check: Check, own: Sequence[Check]) -> list[Check]:
    return [_unwaived(other) for other in own if (other.capability, other.question) == (check.capability, "retention")]


def _unwaived(check: Check) -> Check:
    return check.model_copy(update={"waived": False})


def _tested(claims: Sequence[Claim]) -> dict[tuple[str, str], Claim]:
    """Return the claims that something was measured for: only of those there is evidence."""
    return {(claim.claim, claim.about): claim for claim in claims if claim.answer != "not tested"}


def _undated(origins: Sequence[Origin]) -> list[Origin]:
    """Remove the dates: equal evidence that was measured again later is the same evidence."""
    return [origin.model_copy(update={"first": "", "last": ""}) for origin in origins]
