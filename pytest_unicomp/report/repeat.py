"""Writes the command that repeats one check: its test, and the policy of the report as flags."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from pytest_unicomp.api.records import Check, RecipeVerdict, Report
from pytest_unicomp.config.repeat_flags import repeat_flags
from pytest_unicomp.report.visible import one_line

SHOWN = 12
# A name that pytest's -k reads as one word.
IN_SELECTION = re.compile(r"[\w:+.\[\]/-]+")


def command(report: Report, check: Check) -> tuple[str, ...]:
    """Return the words of the command that repeats a check, quoted for a POSIX shell, with control characters made visible.

    Without a path pytest runs the packaged suites, wherever the reader of the report has them installed. Tables that only a configuration
    file can hold (`margins`, `limits`, `reply_limits`, `must_pass`) are read from it again, so whatever they name must be part of the run.
    """
    path, _, name = check.nodeid.partition("::")
    others = _named_recipes(report, check)
    benchmarks = _benchmarks(report, check)
    alone = not others and len(benchmarks) < 2
    packaged = path.startswith("suites/")
    words = [
        "pytest",
        *(["-k", name.partition("[")[0] if alone or not IN_SELECTION.fullmatch(name) else name] if packaged else [check.nodeid]),
    ]
    if report.reference is not None:
        words.append(f"--unicomp-model={report.reference.model}")
    recipes = _recipe(report, check.recipe, check.family, gates=check.gates)
    for row in others:
        recipes += _recipe(report, row.recipe, row.family, gates=row.gates)
    # An empty list, so that the default recipes are not made.
    gating = any(word.startswith(("--unicomp-recipe", "--unicomp-candidate")) for word in recipes)
    words += recipes if gating else ["--unicomp-recipe=", *recipes]
    if benchmarks:
        words.append(f"--unicomp-benchmark={','.join(benchmarks)}")
    if check.question == "drift":
        words.append("--unicomp-drift=on")
    words += repeat_flags(report.policy)
    return tuple(shlex.quote(one_line(word)) for word in dict.fromkeys(words))


def _recipe(report: Report, name: str, family: str, *, gates: bool) -> list[str]:
    if name == "reference":
        # The check is about the reference's own layers, but a run needs a recipe.
        return ["--unicomp-recipe=dense"]
    if family == "candidate":
        row = next((recipe for recipe in report.recipes if recipe.recipe == name), None)
        artifact = row.artifact if row else None
        source = (row.settings.get("source") if row else None) or (artifact.path if artifact else name)
        return [f"--unicomp-candidate={source}"]
    if gates:
        return [f"--unicomp-recipe={name}"]
    target = report.policy.get("calibration_target")
    if target is None or not name.endswith(f"@{target}"):
        return [f"--unicomp-inform={name}"]
    return [f"--unicomp-inform={name.removesuffix(f'@{target}')}", f"--unicomp-calibration-target={target}"]


def _named_recipes(report: Report, check: Check) -> list[RecipeVerdict]:
    """Return the other recipes with margins of their own: every recipe that the configuration file names must be part of the run."""
    margins = _table(report, "margins")
    return [row for row in report.recipes if isinstance(margins.get(row.recipe), Mapping) and row.recipe != check.recipe]


def _benchmarks(report: Report, check: Check) -> list[str]:
    """Return the check's benchmark and those that the configuration file names.

    A check of the artifact itself has no benchmark and needs all of the run's, since calibration text leaves out their questions.
    """
    planned = report.policy.get("benchmarks")
    names = [str(name) for name in planned] if isinstance(planned, list) else []
    if check.question == "artifact":
        return names
    # A kernel is measured without a recipe, but a run needs a benchmark for its recipe: one that takes no time.
    needed = [check.benchmark, "bytes"] if check.recipe == "reference" else [check.benchmark]
    tables = {**_table(report, "must_pass"), **_table(report, "limits"), **_table(report, "reply_limits")}
    return list(dict.fromkeys([*needed, *(name for name in names if name in tables)]))


def _table(report: Report, name: str) -> Mapping[str, Any]:
    found = report.policy.get(name)
    return found if isinstance(found, Mapping) else {}


def worth_repeating(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Return the checks whose command is printed: those that gate and did not pass, or else the first that can be repeated; at most `SHOWN`."""
    able = [check for check in checks if check.nodeid]
    undecided = [check for check in able if check.gates and check.verdict != "pass"]
    return tuple((undecided or able[:1])[:SHOWN])
