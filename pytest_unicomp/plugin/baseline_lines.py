"""The closing lines of a run on baselines: which changes were accepted, and which files no run reads any more."""

from __future__ import annotations

from pytest_unicomp.api.records import Report
from pytest_unicomp.run.run import Run


def baseline_lines(answer: Report, run: Run, *, complete: bool) -> list[str]:
    """Return a line for each accepted change, and after a `complete` run of all recipes one for each baseline that no cell reads."""
    rewritten = [check for check in answer.checks if check.accepted and check.difference]
    lines = [f"accepted: {check.recipe}/{check.benchmark}: {check.reason}" for check in rewritten]
    all_recipes = "all" in (*run.settings.recipe, *run.settings.inform) and not run.settings.candidate
    unused = run.unused_baselines() if complete and all_recipes else []
    return lines + [f"unused baseline: {path}: no recipe or benchmark of this run; remove it" for path in unused]
