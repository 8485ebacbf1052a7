"""Compares the checks of a report with those that a complete run of its policy makes."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_unicomp.api.protocols import CostBenchmark, ItemBenchmark
from pytest_unicomp.api.records import Question, RecipeVerdict, Report
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.reply_limits import limits_of
from pytest_unicomp.run.candidates import Candidate

WHAT = "the plan"
SHOWN = 3


def plan_answer(report: Report) -> Answer:
    """Compare the checks of the recipes that gate with those that were planned.

    A check that lacks is missing and does not differ: a run may have selected a part of the tests. Drift is left out, since the policy does not
    record which baselines there were.
    """
    if not isinstance(report.policy.get("benchmarks"), list) or not report.policy["benchmarks"]:
        return Answer(WHAT, "missing", "the report does not say which benchmarks were planned")
    if contradictions := list(_contradictions(report)):
        return Answer(WHAT, "differs", "; ".join(contradictions[:SHOWN]))
    made = {(check.recipe, check.benchmark, check.question) for check in report.checks}
    wanted = list(_planned(report))
    lacking = [
        f"{recipe} on {name} ({question.replace('_', '-')})" for recipe, name, question in wanted if (recipe, name, question) not in made
    ]
    there = {recipe.recipe for recipe in report.recipes}
    gone = [str(name) for name in report.policy.get("gating", ()) if name not in there]
    why = "removed, or the run asked a part of the tests only"
    if gone:
        return Answer(WHAT, "missing", f"the report has no row for {', '.join(gone)}, which was to gate: {why}")
    if not lacking:
        return Answer(WHAT, "as_reported", f"all {len(wanted)} checks that gate and were planned are there")
    shown = ", ".join(lacking[:SHOWN]) + (f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else "")
    return Answer(WHAT, "missing", f"{len(lacking)} of {len(wanted)} planned checks are not in the report: {shown}; {why}")


def _contradictions(report: Report) -> Iterator[str]:
    """Yield one sentence per contradiction between a report's policy and its own rows and checks."""
    named = {*map(str, report.policy["benchmarks"]), "artifact"}
    for check in report.checks:
        if check.benchmark not in named:
            yield f"{check.recipe} has a check on {check.benchmark}, which the policy's benchmarks do not name"
    if not isinstance(gating := report.policy.get("gating"), list):
        return
    for recipe in report.recipes:
        if recipe.gates != (recipe.recipe in gating):
            yield f"{recipe.recipe} {'gates' if recipe.gates else 'does not gate'}, and the policy's gating says otherwise"


def _planned(report: Report) -> Iterator[tuple[str, str, Question]]:
    for recipe in report.recipes:
        if not recipe.gates:
            continue
        candidate = _candidate(recipe)
        asked = list(_asked(report, candidate))
        # A recipe without any measurement has no check of its files either.
        if asked and candidate is not None and candidate.address is None:
            yield recipe.recipe, "artifact", "artifact"
        for name, question in asked:
            yield recipe.recipe, name, question


def _asked(report: Report, candidate: Candidate | None) -> Iterator[tuple[str, Question]]:
    names, limits, must_pass = report.policy["benchmarks"], report.policy.get("limits") or {}, report.policy.get("must_pass") or {}
    limited = _limited_replies(report)
    served_reference = report.policy.get("backend") == "server" or served(str(report.policy.get("reference")))
    entries, costs = benchmarks().entries, {check.benchmark for check in report.checks if check.question == "efficiency"}
    for name in map(str, names):
        entry = entries.get(name)
        # What is not installed here is a file of questions, a task of lm-eval or a stranger's benchmark: it scores items unless it was a cost.
        if name not in costs if entry is None else entry.kind == "items":
            yield name, "retention"
            if name in must_pass:
                yield name, "must_pass"
            if name in limited:
                yield name, "reply_limits"
            continue
        if entry is None:
            # Whether it applies to a recipe is unknown.
            continue
        # Without a limit, a cost of making the artifact has a check only if it was recorded.
        known = name in limits or not isinstance(entry, CostBenchmark)
        if known and candidate is not None and candidate.takes(entry.kind, served_reference=served_reference):
            yield name, "efficiency"


def _limited_replies(report: Report) -> set[str]:
    """Return the benchmarks whose replies the policy limits: those that are answered in generated text or, not installed here, have a check of it."""
    table = report.policy.get("reply_limits") or {}
    capabilities = {check.benchmark: check.capability for check in report.checks}
    checked = {check.benchmark for check in report.checks if check.question == "reply_limits"}
    found = set()
    for name in map(str, report.policy["benchmarks"]):
        entry = benchmarks().entries.get(name)
        generates = name in checked if entry is None else isinstance(entry, ItemBenchmark) and not entry.reads_likelihoods
        capability = capabilities.get(name, "") if entry is None else entry.capability
        if generates and limits_of(table, benchmark=name, capability=capability):
            found.add(name)
    return found


def _candidate(recipe: RecipeVerdict) -> Candidate | None:
    """Return the candidate of a row, or None if its artifact was never made, so that it is unknown whether it has files."""
    if recipe.family != "candidate":
        return Candidate(recipe.recipe, recipe.family, recipe.gates)
    return Candidate(recipe.recipe, recipe.family, recipe.gates, recipe.artifact.path) if recipe.artifact else None
