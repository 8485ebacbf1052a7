"""Reads the scores of one file: the lines of one filter and one metric, each item once, each with a score."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.cli.commands import lm_eval_samples
from pytest_unicomp.cli.commands.json_rows import Row, printable, read_rows
from pytest_unicomp.cli.commands.metric_values import Reading, named, reading

SHOWN = 3


@dataclass(frozen=True)
class Choice:
    """The choice of what to read: `metric` and `filter` of lm-eval's lines, if they hold several, and the field that names an item's cluster."""

    metric: str | None = None
    filter: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class Score:
    """One score: the line that it is from, its value, and the cluster of scores that belong together."""

    row: Row
    value: float
    cluster: str | None


@dataclass(frozen=True)
class Sheet:
    """The scores of one file by id, in the file's order; `reading` says what they are."""

    path: Path
    reading: Reading
    scores: Mapping[str, Score]


def read_sheet(path: Path, choice: Choice) -> Sheet:
    """Return the scores of a file; an item that holds a list of answers has one score per answer, `id[place]`, in a cluster of its own.

    Raises UsageProblem for whatever keeps an item from having one score.
    """
    rows: Sequence[Row] = read_rows(path)
    lm_eval = "doc_id" in rows[0].fields
    rows = lm_eval_samples.one_filter(path, rows, choice.filter, needed=lm_eval or bool(_twice(rows, "id")))
    name = "doc_id" if lm_eval else "id"
    found = reading(lm_eval_samples.one_metric(path, rows, choice.metric)) if lm_eval else named(_plain_metric(path, rows, choice.metric))
    _refuse_gaps(rows, name, found.field)
    _refuse_twice(path, rows, name, lm_eval=lm_eval)
    values = {_id(row, name): found.of(row.fields[found.field]) for row in rows}
    wrong = [(key, row) for key, row in zip(values, rows, strict=True) if values[key] is None]
    if wrong:
        first = printable(json.dumps(wrong[0][1].fields[found.field], ensure_ascii=False))
        raise UsageProblem(
            f"unicomp: {printable(path)}: {printable(found.field)!r} is not {found.expected} for {counted([key for key, _ in wrong], 'item')}; "
            f"the first is {first}; expected a score for every item.{_why(wrong[0][1].fields[found.field])}"
        )
    scores: dict[str, Score] = {}
    for row, (key, value) in zip(rows, values.items(), strict=True):
        cluster = _cluster(path, key, row.fields, choice.cluster)
        if isinstance(value, list):
            own = f"item {key}" if cluster is None else cluster
            scores |= {f"{key}[{place}]": Score(row, answer, own) for place, answer in enumerate(value)}
        elif value is not None:
            scores[key] = Score(row, value, cluster)
    return Sheet(path, found, scores)


def counted(ids: Sequence[str], what: str) -> str:
    """Return how many ids there are, and the first few of them."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    shown = ", ".join(printable(key) for key in ids[:SHOWN])
    return f"{len(ids)} {what}{'s' if len(ids) > 1 else ''} ({shown}{more})"


def _plain_metric(path: Path, rows: Sequence[Row], wanted: str | None) -> str:
    """Return the field that holds the score of lines with an `id`."""
    if wanted is None or wanted in rows[0].fields:
        return wanted or "score"
    names = ", ".join(printable(name) for name in sorted(rows[0].fields)[:8])
    raise UsageProblem(f"unicomp: {printable(path)} has no metric {printable(wanted)!r}; found {names}.")


def _refuse_gaps(rows: Sequence[Row], name: str, field: str) -> None:
    for row in rows:
        lacking = next((key for key in (name, field) if key not in row.fields), None)
        if lacking is not None:
            item = f" (item {printable(_id(row, name))})" if lacking == field else ""
            found = ", ".join(printable(key) for key in sorted(row.fields)[:8])
            raise UsageProblem(f"unicomp: {row.place}{item} has no {printable(lacking)!r}; found {found}.")


def _refuse_twice(path: Path, rows: Sequence[Row], name: str, *, lm_eval: bool) -> None:
    twice = _twice(rows, name)
    if not twice:
        return
    unnamed = lm_eval and not any("filter" in row.fields for row in rows)
    why = (
        " lm-eval writes each item once per filter, and older versions do not name it: keep the lines of one filter, or evaluate with a newer one."
        if unnamed
        else ""
    )
    raise UsageProblem(
        f"unicomp: {printable(path)}: {counted(twice, 'id')} occur{'s' if len(twice) == 1 else ''} more than once; "
        f"expected one line per item.{why}"
    )


def _twice(rows: Sequence[Row], name: str) -> list[str]:
    return [key for key, count in Counter(_id(row, name) for row in rows if name in row.fields).items() if count > 1]


def _id(row: Row, name: str) -> str:
    value = row.fields[name]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UsageProblem(f"unicomp: {row.place}: {name!r} is {printable(json.dumps(value))}; expected a text or a number.")
    return str(value)


def _why(value: Any) -> str:
    if isinstance(value, list | dict):
        return " A metric that is computed from all items at once has no score per item; choose another with --metric."
    return ""


def _cluster(path: Path, key: str, row: Mapping[str, Any], field: str | None) -> str | None:
    """Look the field up in the line, then in lm-eval's `doc`; dots name nested fields."""
    wanted = field or "cluster"
    for start in (row, row.get("doc")):
        found: Any = start
        for part in wanted.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is not None:
            return found if isinstance(found, str) else json.dumps(found, sort_keys=True)
    if field is not None:
        raise UsageProblem(
            f"unicomp: {printable(path)}: item {printable(key)} has no field {printable(field)!r}; expected the cluster of every item there."
        )
    return None
