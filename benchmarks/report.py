"""Times what a page of a full comparison takes: give a gate.json; its checks are repeated under other names until it has 19 recipes and 60 benchmarks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from pytest_unicomp.api.records import RecipeVerdict, Report
from pytest_unicomp.report import html, json, markdown

RECIPES, BENCHMARKS, ROUNDS = 19, 60, 3


def widened(report: Report) -> Report:
    """Return a report of RECIPES recipes with BENCHMARKS retention checks each, and what else each recipe was asked, once."""
    recipes: list[RecipeVerdict] = []
    checks = []
    for number, source in enumerate(islice(cycle(report.recipes), RECIPES)):
        name = f"{source.recipe}-{number}"
        own = [check for check in report.checks if check.recipe == source.recipe]
        paired = [check for check in own if check.question == "retention"]
        recipes.append(source.model_copy(update={"recipe": name}))
        for place, check in enumerate(islice(cycle(paired), BENCHMARKS)):
            checks.append(check.model_copy(update={"recipe": name, "benchmark": f"{check.benchmark}-{place}"}))
        checks += [check.model_copy(update={"recipe": name}) for check in own if check.question != "retention"]
    return report.model_copy(update={"recipes": recipes, "checks": checks})


def seconds(work: Callable[[], object]) -> str:
    """Return the median of ROUNDS with the range, in seconds."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return f"{median(taken):6.2f} s ({min(taken):.2f} to {max(taken):.2f})"


def main(path: Path) -> None:
    """Print time and size of the page, and the time of the summary."""
    report = json.read(path)
    if not any(check.question == "retention" for check in report.checks):
        print(f"report: {path} holds no retention check; expected the report of a run with items; nothing was timed")
        return
    whole = widened(report)
    print(f"{len(whole.recipes)} recipes, {len(whole.checks)} checks, made of {len(report.recipes)} and {len(report.checks)} of {path}")
    for name, shown in (("as it is", report), ("widened", whole)):
        size = len(html.render(shown).encode())
        print(f"{name:9} HTML {seconds(lambda shown=shown: html.render(shown))}, {size / 1e6:.2f} MB", end="; ")
        print(f"Markdown {seconds(lambda shown=shown: markdown.render(shown))}")


if __name__ == "__main__":
    chosen = Path(sys.argv[1] if len(sys.argv) > 1 else "gate.json")
    if chosen.is_file():
        main(chosen)
    else:
        print(f"report: {chosen} is not there; give a report, or make one first: make gate; nothing was timed")
