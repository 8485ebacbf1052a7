"""Writes the losses of nano under compression into its page: `python -m pytest_unicomp.nano.losses gate.json docs/nano.md`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_unicomp.store.local import write_text

START, END = "<!-- losses:start -->\n", "<!-- losses:end -->"
TEXT = "nano-perplexity"
GROUPS = {
    "performance": ("nano-knowledge", "nano-multilingual", "nano-reasoning", "nano-instruction-following", TEXT),
    "reliability": ("nano-safety", "nano-truthfulness", "nano-fairness", "nano-robustness", "nano-privacy", "nano-ethics"),
}


def tables(report: Mapping[str, Any]) -> str:
    """Return one Markdown table per group of benchmarks: the reference's score, then each recipe's paired difference with its interval.

    Scores and differences are in percent and points; those of the held-out text are nats per token.
    """
    checks = {(check["recipe"], check["benchmark"]): check for check in report["checks"] if check["question"] == "retention"}
    recipes = [recipe["recipe"] for recipe in report["recipes"] if recipe["recipe"] != "dense"]
    return "\n".join(_table(checks, recipes, names) for names in GROUPS.values())


def _table(checks: Mapping[tuple[str, str], Mapping[str, Any]], recipes: Sequence[str], names: Sequence[str]) -> str:
    first = {name: checks[recipes[0], name] for name in names}
    lines = [
        ["", *(name.removeprefix("nano-") for name in names)],
        ["---"] * (len(names) + 1),
        ["items", *(f"{check['n']:,}" for check in first.values())],
        ["nano itself", *(_score(check) for check in first.values())],
        *([recipe, *(_difference(checks[recipe, name]) for name in names)] for recipe in recipes),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _score(check: Mapping[str, Any]) -> str:
    value = check["reference"]["value"]
    return f"{value:.3f}" if check["benchmark"] == TEXT else f"{100 * value:.1f}"


def _difference(check: Mapping[str, Any]) -> str:
    factor, digits = (1, 3) if check["benchmark"] == TEXT else (100, 1)
    value, (low, high) = check["difference"], check["interval"]
    return f"{factor * value:+.{digits}f} [{factor * low:.{digits}f}, {factor * high:.{digits}f}]"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m pytest_unicomp.nano.losses", description=__doc__)
    parser.add_argument("report", type=Path, help="JSON report of `make gate-full`")
    parser.add_argument("page", type=Path, help="Markdown page with the markers")
    given = parser.parse_args(arguments)
    text = given.page.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, found, after = rest.partition(END)
    if not found:
        parser.error(f"{given.page} has no {START.strip()} ... {END}")
    write_text(given.page, before + START + tables(json.loads(given.report.read_text(encoding="utf-8"))) + END + after)


if __name__ == "__main__":
    main()
