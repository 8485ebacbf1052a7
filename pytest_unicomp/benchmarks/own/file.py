"""Reads a file of questions: JSON lines in UTF-8; whatever is wrong is one line with file, line and the field that was expected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pytest_unicomp.api.errors import UsageProblem, one_line
from pytest_unicomp.api.foreign import MEBIBYTE, ForeignFile, json_value, require_regular
from pytest_unicomp.benchmarks.own.question import Question, WrongField, question

LONGEST_LINE: Final = MEBIBYTE
LARGEST: Final = 256 * MEBIBYTE


@dataclass(frozen=True)
class Questions:
    """The content of a file: the questions to score, the examples before them, and 16 hex digits of its sha256."""

    scored: tuple[Question, ...]
    examples: tuple[Question, ...]
    digest: str


def read(file: Path, scorer: str) -> Questions:
    """Return the questions of a file; raise UsageProblem for the first thing that is wrong with it."""
    require_regular(file)
    facts = file.stat()
    return _read(file, scorer, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=16)
def _read(file: Path, scorer: str, size: int, changed: int) -> Questions:
    """Read a file once a process; its size and its time of change are arguments, so that a file which changed is read again."""
    if size > LARGEST:
        raise UsageProblem(f"unicomp: {file} has {size:,} bytes; expected questions of at most {LARGEST:,} bytes, one a line.")
    total = hashlib.sha256()
    found: dict[str, tuple[int, Question]] = {}
    for number, raw in _lines(file):
        total.update(raw)
        if not raw.strip():
            continue
        one = _question(file, number, raw, scorer)
        if one.id in found:
            first = found[one.id][0]
            raise _problem(
                file, number, f"id {one.id!r} is that of line {first} too; expected an id of its own, or none: then it is the line's number"
            )
        found[one.id] = (number, one)
    every = [one for _, one in found.values()]
    scored = tuple(one for one in every if not one.example)
    if not scored:
        what = "examples alone" if every else "no question"
        raise UsageProblem(f'unicomp: {file} holds {what}; expected a question a line, such as {{"prompt": "...", "answer": "..."}}.')
    return Questions(scored, tuple(one for one in every if one.example), total.hexdigest()[:16])


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as stream:
        number = 0
        while raw := stream.readline(LONGEST_LINE + 1):
            number += 1
            if len(raw) > LONGEST_LINE:
                raise _problem(file, number, f"is longer than {LONGEST_LINE:,} bytes; expected one question a line")
            yield number, raw


def _question(file: Path, number: int, raw: bytes, scorer: str) -> Question:
    try:
        text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise _problem(file, number, f"is not UTF-8 at byte {error.start} ({error.reason}); expected a text in UTF-8") from error
    try:
        value = json_value(text, f"{file}:{number}:")
        # An escape such as \ud800 alone is JSON, and no text that a tokenizer takes.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return question(value, number, scorer)
    except UnicodeEncodeError as error:
        raise _problem(file, number, "holds half of a surrogate pair, such as \\ud800; expected characters of Unicode") from error
    except WrongField as error:
        raise _problem(file, number, one_line(error, longest=400)) from error
    except ForeignFile as error:
        raise _problem(file, number, f"{error.found}; expected one JSON object a line") from error


def _problem(file: Path, number: int, message: str) -> UsageProblem:
    return UsageProblem(f"unicomp: {file}:{number}: {message}.")
