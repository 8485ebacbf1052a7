"""Read the per-item scores of other tools into measurements: lines of `{"id", "score"}`, or lm-eval's `samples_*.jsonl`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.records import Conditions, Item, Measurement
from pytest_unicomp.cli.commands import lm_eval_samples
from pytest_unicomp.cli.commands.json_rows import Row, printable, whole
from pytest_unicomp.cli.commands.metric_values import number
from pytest_unicomp.cli.commands.same_documents import documents, other_document
from pytest_unicomp.cli.commands.score_sheet import Choice, Score, Sheet, counted, read_sheet


@dataclass(frozen=True)
class About:
    """The facts that the lines do not contain: the benchmark's name, its direction and the score of random guessing."""

    benchmark: str
    capability: str = "unspecified"
    higher_is_better: bool = True
    chance: float | None = None


@dataclass(frozen=True)
class Paired:
    """Two files as measurements; `mismatch` says which item is another document on the other side, and how."""

    reference: Measurement
    candidate: Measurement
    mismatch: str | None


def measurements(reference: Path, candidate: Path, choice: Choice, about: About) -> Paired:
    """Read both files and pair them by id; scores are finite numbers, for most metrics in [0, 1].

    Raises UsageProblem, with file and the first few ids, for items that are missing on a side, duplicated or without a finite score, for what
    is not JSON, for a metric, filter or cluster that is missing or must be chosen, and for scores that measure nothing.
    """
    before, after = read_sheet(reference, choice), read_sheet(candidate, choice)
    if before.reading.name != after.reading.name:
        raise UsageProblem(
            f"unicomp: {printable(reference)} holds {printable(before.reading.name)!r} and {printable(candidate)} "
            f"{printable(after.reading.name)!r}; expected one metric; choose one that both have with --metric."
        )
    _refuse_missing(before, after)
    _refuse_constant(before, after)
    sides = (before, after), (after, before)
    first, second = (_measurement(*side, name, about) for side, name in zip(sides, ("reference", "candidate"), strict=True))
    return Paired(first, second, _mismatch(before, after))


def task_of(path: Path) -> str:
    """Return the benchmark that a file is named after: the task of lm-eval's `samples_<task>_<time>.jsonl`, or the name without its suffix."""
    name = whole(path.stem)
    found = re.fullmatch(r"samples_(.+?)(_\d{4}-\d\d-\d\dT[\d.:-]+)?", name)
    return found[1] if found else name


def _refuse_missing(before: Sheet, after: Sheet) -> None:
    first, second = before.scores, after.scores
    lacks = [
        f"{printable(side.path)} lacks {counted(missing, 'item')} of {printable(other.path)}"
        for side, other, missing in (
            (after, before, [key for key in first if key not in second]),
            (before, after, [key for key in second if key not in first]),
        )
        if missing
    ]
    if lacks:
        alike = {_normal(key) for key in first} == {_normal(key) for key in second}
        why = " The ids differ only in how accents are encoded (Unicode NFC or NFD); write both files in one form." if alike else ""
        raise UsageProblem(f"unicomp: {', and '.join(lacks)}; expected the same items in both.{why}")


def _normal(key: str) -> str:
    return unicodedata.normalize("NFC", key)


def _refuse_constant(before: Sheet, after: Sheet) -> None:
    """Refuse placeholders: one number for every item of both files, which is neither right nor wrong, says nothing about either."""
    found = {score.value for sheet in (before, after) for score in sheet.scores.values()}
    if len(before.scores) > 1 and len(found) == 1 and not found <= {0.0, 1.0}:
        raise UsageProblem(
            f"unicomp: {printable(before.path)} and {printable(after.path)} hold {found.pop():g} for every item, which scores nothing; "
            "expected a score of each item, such as 0 or 1."
        )


def _mismatch(before: Sheet, after: Sheet) -> str | None:
    found = {}
    for key, score in before.scores.items():
        words = other_document(score.row.fields, after.scores[key].row.fields)
        if words is not None:
            found[key] = words
    if not found:
        return None
    key, words = next(iter(found.items()))
    are = "is another document" if len(found) == 1 else "are other documents"
    return f"{counted(list(found), 'item')} {are} in the candidate: item {printable(key)}: {words}"


def _items(sheet: Sheet, other: Sheet) -> list[Item]:
    return [_item(key, score, other.scores[key].row.fields) for key, score in sheet.scores.items()]


def _item(key: str, score: Score, other: Mapping[str, Any]) -> Item:
    fields = score.row.fields
    return Item(
        id=key,
        cluster=score.cluster,
        score=score.value,
        prompt_digest=sha256("\0".join(documents(fields, other)).encode()).hexdigest()[:16],
        answer=_answer(fields),
        target=str(fields.get("target", "")),
        log_probabilities=lm_eval_samples.options(fields) if "doc_id" in fields else _options(score.row, key),
    )


def _options(row: Row, key: str) -> list[float] | None:
    given = row.fields.get("logprobs")
    if given is None:
        return None
    numbers = [number(value) for value in given] if isinstance(given, list) else [None]
    if None in numbers:
        raise UsageProblem(
            f"unicomp: {row.place}: logprobs of item {printable(key)} are {printable(given)}; expected a list of finite numbers, one per option."
        )
    return [value for value in numbers if value is not None]


def _answer(row: Mapping[str, Any]) -> str:
    for field in ("answer", "filtered_resps"):
        if field in row:
            value = row[field]
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ""


def _measurement(sheet: Sheet, other: Sheet, side: str, about: About) -> Measurement:
    scores = [score.value for score in sheet.scores.values()]
    metric = sheet.reading.name
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
        higher_is_better=about.higher_is_better and not sheet.reading.lower_is_better,
        chance=about.chance,
        value=sum(scores) / len(scores),
        stderr=None,
        n=len(scores),
        items=_items(sheet, other),
        conditions=conditions,
        # A name, not a digest: two equal files prove equal scores, not equal weights.
        artifact=side,
        versions={},
        machine="file",
        seconds=0.0,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
