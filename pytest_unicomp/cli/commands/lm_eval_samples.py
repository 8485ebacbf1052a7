"""Selects one filter, one metric and the log-likelihoods of a task's options from lm-eval's `samples_*.jsonl`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.cli.commands.json_rows import Row, printable
from pytest_unicomp.cli.commands.metric_values import NOTHING, reading

# The fields of lm-eval's lines that are not metrics, for files of versions that do not list their metrics.
FIELDS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"}
)


def one_filter(path: Path, rows: Sequence[Row], wanted: str | None, *, needed: bool) -> Sequence[Row]:
    """Return the lines of one filter: lm-eval writes an item once per filter (strict-match, flexible-extract), and newer versions name it.

    Lines of several filters need `wanted` if `needed`, or if the file holds an item more than once. Raises UsageProblem if the filter is
    missing or must be chosen.
    """
    names = list(dict.fromkeys(str(row.fields["filter"]) for row in rows if "filter" in row.fields))
    if wanted is None and (len(names) < 2 or not needed):
        return rows
    shown = ", ".join(printable(name) for name in names)
    if wanted is None:
        raise UsageProblem(f"unicomp: {printable(path)} holds the filters {shown}; choose one with --filter.")
    if wanted not in names:
        held = f"{nearest(wanted, names)} It holds {', '.join(map(repr, names))}" if names else " Its lines name none; leave --filter out"
        raise UsageProblem(f"unicomp: {printable(path)} has no filter {printable(wanted)!r}.{held}.")
    return [row for row in rows if str(row.fields.get("filter")) == wanted]


def one_metric(path: Path, rows: Sequence[Row], wanted: str | None) -> str:
    """Return the metric to read: `wanted`, or the only one. Raises UsageProblem if it is missing, must be chosen, or scores nothing."""
    first = rows[0].fields
    listed = first.get("metrics")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    names = names or [name for name in first if name not in FIELDS and any(_is_score(name, row.fields.get(name)) for row in rows)]
    scored = [name for name in names if name != NOTHING]
    if NOTHING in (names if wanted is None and not scored else [wanted]):
        raise UsageProblem(
            f"unicomp: {printable(path)} holds the metric {NOTHING!r}, which is lm-eval's placeholder for items that were not scored "
            f"(--predict_only); evaluate again without it."
        )
    shown = ", ".join(printable(name) for name in scored) or "none"
    if wanted is not None and wanted not in scored:
        raise UsageProblem(f"unicomp: {printable(path)} has no metric {printable(wanted)!r}.{nearest(wanted, scored)} It holds {shown}.")
    if wanted is None and len(scored) != 1:
        held = shown if scored else f"no metric; found {', '.join(printable(name) for name in sorted(first)[:12])}"
        raise UsageProblem(f"unicomp: {printable(path)} holds {held}; choose one with --metric.")
    return wanted or scored[0]


def _is_score(name: str, value: Any) -> bool:
    """Return True if a field looks like a metric; NaN is one that went wrong."""
    return isinstance(value, float) or reading(name).of(value) is not None


def options(row: Mapping[str, Any]) -> list[float] | None:
    """Return the log-likelihoods of a multiple-choice task's options; lm-eval writes pairs (number, is greedy) as texts."""
    answers = row.get("filtered_resps")
    if not isinstance(answers, list) or len(answers) < 2:
        return None
    numbers = []
    for answer in answers:
        if not isinstance(answer, list) or len(answer) != 2 or str(answer[1]) not in ("True", "False"):
            return None
        try:
            numbers.append(float(answer[0]))
        except (TypeError, ValueError, OverflowError):
            return None
    return numbers if all(isfinite(number) and abs(number) < 1e100 for number in numbers) else None
