"""Reads per-item scores of other tools, `{"id", "score"}` lines or lm-eval's `samples_*.jsonl`, into measurements that can be compared."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.records import Conditions, Item, Measurement

SHOWN = 3
# The fields of lm-eval's lines that are not metrics, for files of versions that do not list their metrics.
LM_EVAL_FIELDS = frozenset(
    {"doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash", "target_hash"}
)


@dataclass(frozen=True)
class Choice:
    """What to read: `metric` and `filter` of lm-eval's lines, if they hold several, and the field that names an item's cluster."""

    metric: str | None = None
    filter: str | None = None
    cluster: str | None = None


@dataclass(frozen=True)
class About:
    """What the lines do not contain: the benchmark's name, its direction and the score of random guessing."""

    benchmark: str
    capability: str = "unspecified"
    higher_is_better: bool = True
    chance: float | None = None


def measurements(reference: Path, candidate: Path, choice: Choice, about: About) -> tuple[Measurement, Measurement]:
    """Read both files and pair them by id; scores are finite numbers, for most metrics in [0, 1].

    Raises UsageProblem, with file and the first few ids, for items that are missing on a side, duplicated or not finite, for a line that is
    not JSON, and for a metric, filter or cluster that is missing or must be chosen.
    """
    sides = [_read(path, choice) for path in (reference, candidate)]
    metrics = {metric for metric, _ in sides}
    if len(metrics) > 1:
        raise UsageProblem(
            f"unicomp: {reference} holds {sides[0][0]!r} and {candidate} {sides[1][0]!r}; expected one metric; choose one that both have with --metric."
        )
    first, second = ({item.id for item in items} for _, items in sides)
    for missing, path, other in ((first - second, candidate, reference), (second - first, reference, candidate)):
        if missing:
            raise UsageProblem(f"unicomp: {path} lacks {_named(missing, 'item')} of {other}; expected the same items in both.")
    return _measurement(*sides[0], "reference", about), _measurement(*sides[1], "candidate", about)


def task_of(path: Path) -> str:
    """Return the benchmark that a file is named after: the task of lm-eval's `samples_<task>_<time>.jsonl`, or the name without its suffix."""
    found = re.fullmatch(r"samples_(.+?)(_\d{4}-\d\d-\d\dT[\d.:-]+)?", path.stem)
    return found[1] if found else path.stem


def _named(ids: Iterable[str], what: str) -> str:
    ordered = sorted(ids)
    more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
    return f"{len(ordered)} {what}{'s' if len(ordered) > 1 else ''} ({', '.join(ordered[:SHOWN])}{more})"


def _read(path: Path, choice: Choice) -> tuple[str, list[Item]]:
    rows = _rows(path)
    lm_eval = "doc_id" in rows[0]
    if lm_eval:
        rows = _filtered(path, rows, choice.filter)
    metric = _metric(path, rows, choice.metric) if lm_eval else choice.metric or "score"
    name, field = ("doc_id", metric) if lm_eval else ("id", "score" if "score" in rows[0] else metric)
    for place, row in enumerate(rows, start=1):
        for key in (name, field):
            if key not in row:
                raise UsageProblem(f"unicomp: {path}: record {place} has no {key!r}; found {', '.join(sorted(row)[:8])}.")
    ids = [str(row[name]) for row in rows]
    twice = [key for key, count in Counter(ids).items() if count > 1]
    if twice:
        raise UsageProblem(f"unicomp: {path}: {_named(twice, 'id')} occur more than once; expected one line per item.")
    scores = [_number(row[field]) for row in rows]
    wrong = [key for key, score in zip(ids, scores, strict=True) if score is None]
    if wrong:
        raise UsageProblem(
            f"unicomp: {path}: {field!r} is not a finite number for {_named(wrong, 'item')}; expected a score for every item."
        )
    clusters = [_cluster(path, key, row, choice.cluster) for key, row in zip(ids, rows, strict=True)]
    options = [_lm_eval_options(row) if lm_eval else _options(path, key, row) for key, row in zip(ids, rows, strict=True)]
    return metric, [
        Item(
            id=key,
            cluster=cluster,
            score=score,
            prompt_digest=str(row.get("prompt_hash") or row.get("doc_hash") or "")[:16],
            answer=_answer(row),
            target=str(row.get("target", "")),
            log_probabilities=option,
        )
        for key, cluster, score, option, row in zip(ids, clusters, scores, options, rows, strict=True)
    ]


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageProblem(f"unicomp: {path} cannot be read: {error}; expected a UTF-8 file with one JSON object per line.") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageProblem(f"unicomp: {path}:{number} is not JSON ({str(error)[:80]}); expected one object per line.") from error
        if not isinstance(row, dict) or not ("id" in row or "doc_id" in row):
            raise UsageProblem(f'unicomp: {path}:{number} is {line[:60]!r}; expected an object such as {{"id": "q1", "score": 1}}.')
        rows.append(row)
    if not rows:
        raise UsageProblem(f"unicomp: {path} holds no items; expected one JSON object per line.")
    return rows


def _filtered(path: Path, rows: list[dict[str, Any]], wanted: str | None) -> list[dict[str, Any]]:
    """Return the lines of one filter: lm-eval writes an item once per filter (strict-match, flexible-extract)."""
    names = list(dict.fromkeys(str(row.get("filter", "none")) for row in rows))
    if wanted is None and len(names) > 1:
        raise UsageProblem(f"unicomp: {path} holds the filters {', '.join(names)}; choose one with --filter.")
    chosen = wanted or names[0]
    if chosen not in names:
        raise UsageProblem(f"unicomp: {path} has no filter {chosen!r}.{nearest(chosen, names)} It holds {', '.join(names)}.")
    return [row for row in rows if str(row.get("filter", "none")) == chosen]


def _metric(path: Path, rows: list[dict[str, Any]], wanted: str | None) -> str:
    listed = rows[0].get("metrics")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    names = names or [name for name, value in rows[0].items() if name not in LM_EVAL_FIELDS and _number(value) is not None]
    if wanted is not None and wanted not in names:
        raise UsageProblem(f"unicomp: {path} has no metric {wanted!r}.{nearest(wanted, names)} It holds {', '.join(names) or 'none'}.")
    if wanted is None and len(names) != 1:
        raise UsageProblem(f"unicomp: {path} holds {', '.join(names) if names else 'no metric'}; choose one with --metric.")
    return wanted or names[0]


def _number(value: Any) -> float | None:
    if not isinstance(value, int | float) or abs(value) > 1e300 or not isfinite(value):
        return None
    return float(value)


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
        raise UsageProblem(f"unicomp: {path}: item {key} has no field {field!r}; expected the cluster of every item there.")
    return None


def _options(path: Path, key: str, row: Mapping[str, Any]) -> list[float] | None:
    given = row.get("logprobs")
    if given is None:
        return None
    numbers = [_number(value) for value in given] if isinstance(given, list) else [None]
    if None in numbers:
        raise UsageProblem(
            f"unicomp: {path}: logprobs of item {key} are {str(given)[:60]}; expected a list of finite numbers, one per option."
        )
    return [value for value in numbers if value is not None]


def _lm_eval_options(row: Mapping[str, Any]) -> list[float] | None:
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
        except (TypeError, ValueError):
            return None
    return numbers if all(isfinite(number) for number in numbers) else None


def _answer(row: Mapping[str, Any]) -> str:
    for field in ("answer", "filtered_resps"):
        if field in row:
            value = row[field]
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ""


def _measurement(metric: str, items: list[Item], side: str, about: About) -> Measurement:
    scores = [item.score for item in items if item.score is not None]
    conditions = Conditions(
        benchmark=about.benchmark,
        dataset="file",
        metric=metric,
        template="file",
        shots=0,
        generation={},
        engine="file",
        dtype="file",
        seed=0,
        limit=None,
    )
    return Measurement(
        benchmark=about.benchmark,
        dimension="performance",
        capability=about.capability,
        metric=metric,
        higher_is_better=about.higher_is_better,
        chance=about.chance,
        value=sum(scores) / len(scores),
        stderr=None,
        n=len(items),
        items=items,
        conditions=conditions,
        # A name, not a digest: two equal files prove equal scores, not equal weights.
        artifact=side,
        versions={},
        machine="file",
        seconds=0.0,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
