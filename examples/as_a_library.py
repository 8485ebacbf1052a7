"""Gate a recipe from Python, without pytest: `python examples/as_a_library.py [LIMIT]`; exit code and report are those of `unicomp gate`."""

import sys
from pathlib import Path

from pytest_unicomp import Run, UnicompError, resolve
from pytest_unicomp.report import write

LIMIT = sys.argv[1] if len(sys.argv) > 1 else "300"


def main():
    """Measure, conclude, write gate.json; return the exit code."""
    # Keys and values as in unicomp.toml; `resolve` checks them and fills in the profile's defaults.
    settings = resolve(
        {
            "model": "nano",
            "recipe": ["rtn-w8a16"],
            "benchmark": ["nano-knowledge", "bytes"],
            "profile": "smoke",
            "limit": LIMIT,
            "cache": ".unicomp-store",
        }
    )
    run = Run(settings, progress=print)
    questions = {"items": run.retention, "size": run.size}
    checks = []
    for cell in run.plan.cells:
        try:
            checks.append(questions[cell.kind](cell))
        except UnicompError as error:
            checks.append(run.broken(cell, "retention", error))
    for cell in run.plan.artifacts():
        checks.append(run.artifact_check(cell))
    report = run.conclude(sorted(checks, key=run.place))
    for recipe in report.recipes:
        print(f"{recipe.recipe}: {recipe.verdict}: {recipe.reason}")
    write(report, Path("gate.json"))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
