"""Says how to run one check again: the command with its test and the policy it was judged by."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pytest_unicomp.records import Check, RecipeVerdict, Report
from pytest_unicomp.report.visible import one_line

POLICY = ("profile", "limit", "seed", "calibration", "margin", "benchmark_margin", "drift_margin", "alpha", "inconclusive", "reference")
SHOWN = 12


def command(report: Report, check: Check) -> tuple[str, ...]:
    """Return the words of a command that asks one check again, quoted for a POSIX shell, control characters made visible.

    Without a path pytest runs the packaged suites, wherever they are installed: those of the report's reader may lie elsewhere.
    """
    path, _, name = check.nodeid.partition("::")
    packaged = path.startswith("suites/")
    words = ["pytest", *(["-k", name.partition("[")[0]] if packaged else [check.nodeid])]
    if report.reference is not None:
        words.append(f"--unicomp-model={report.reference.model}")
    recipe = next((recipe for recipe in report.recipes if recipe.recipe == check.recipe), None)
    words += [_recipe(check, recipe), f"--unicomp-benchmark={check.benchmark}"]
    if check.question == "drift":
        words.append("--unicomp-drift=on")
    for name in POLICY:
        if name in report.policy:
            value = report.policy[name]
            words.append(f"--unicomp-{name.replace('_', '-')}={'all' if value is None else value}")
    return tuple(shlex.quote(one_line(word)) for word in words)


def _recipe(check: Check, recipe: RecipeVerdict | None) -> str:
    if check.family == "candidate":
        artifact = recipe.artifact if recipe else None
        source = (recipe.settings.get("source") if recipe else None) or (artifact.path if artifact else check.recipe)
        return f"--unicomp-candidate={source}"
    return f"--unicomp-{'recipe' if check.gates else 'inform'}={check.recipe}"


def worth_repeating(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks whose command is printed: gating ones that did not pass, else the first that can be repeated; at most `SHOWN`."""
    able = [check for check in checks if check.nodeid]
    undecided = [check for check in able if check.gates and check.verdict != "pass"]
    return tuple((undecided or able[:1])[:SHOWN])
