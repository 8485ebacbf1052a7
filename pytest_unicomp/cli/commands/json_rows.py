"""Reads a file of JSON objects, one per line (JSONL) or in one list; a fault is one error line with the number of the line or entry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import LARGEST_ITEMS, ForeignFile, read_bytes, require_shallow

LONGEST = 60
EXPECTED = 'expected an object such as {"id": "q1", "score": 1}'


@dataclass(frozen=True)
class Row:
    """One object of a file; `place` is the file with the line (`base.jsonl:3`) or the entry of the list (`base.json, entry 3`)."""

    place: str
    fields: Mapping[str, Any]


def read_rows(path: Path) -> list[Row]:
    """Return the objects of a file, at least one; texts hold no half characters (lone surrogates), which are written out as `\\ud83d`.

    Raises UsageProblem for a file that cannot be read or is not UTF-8, for what is not a JSON object, and for an object that names a key twice.
    """
    text = _text(path)
    rows = _of_list(path, text) if text.lstrip().startswith("[") else _of_lines(path, text)
    if not rows:
        raise UsageProblem(f"unicomp: {printable(path)} holds no items; expected one JSON object per line.")
    return rows


def printable(value: object, longest: int = LONGEST) -> str:
    """Return a value as text for one line of a terminal: what cannot be shown (line ends, controls, half characters) is escaped; what is longer is cut, but no path."""
    text = str(value)
    short = text if len(text) <= longest or isinstance(value, Path) else f"{text[: longest - 3]}..."
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in short)


def whole(text: str) -> str:
    """Return a text that can be written as UTF-8: half characters (lone surrogates) are written out, other texts are unchanged."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(path: Path) -> str:
    try:
        data = read_bytes(path, LARGEST_ITEMS)
    except ForeignFile as error:
        raise UsageProblem(
            f"unicomp: {printable(path)} cannot be read: it {printable(error.found, 160)}; expected a UTF-8 file with one JSON object per line."
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        cut = (
            "it ends within a character; copy it again" if error.end >= len(data) else "expected a UTF-8 file with one JSON object per line"
        )
        raise UsageProblem(
            f"unicomp: {printable(path)} cannot be read as UTF-8 in line {line}: byte 0x{data[error.start]:02x}, {error.reason}; {cut}."
        ) from error


def _of_lines(path: Path, text: str) -> list[Row]:
    rows: list[Row] = []
    # Line ends alone separate lines: texts may hold U+2028 and other characters at which `splitlines` would cut.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{printable(path)}:{number}"
        try:
            value = _value(line, place)
        except (ValueError, RecursionError) as error:
            if not rows and _is_one_object(text):
                raise UsageProblem(
                    f"unicomp: {printable(path)} is one JSON object over several lines; expected one object per line, such as lm-eval's samples_*.jsonl."
                ) from error
            _refuse_syntax(place, error, "one object per line")
        rows.append(_row(place, value, line))
    return rows


def _of_list(path: Path, text: str) -> list[Row]:
    try:
        values = _value(text, printable(path))
    except (ValueError, RecursionError) as error:
        _refuse_syntax(printable(path), error, "one JSON object per line, or one JSON list of objects")
    return [_row(f"{printable(path)}, entry {number}", value, None) for number, value in enumerate(values, start=1)]


def _refuse_syntax(place: str, error: Exception, expected: str) -> NoReturn:
    raise UsageProblem(f"unicomp: {place} is not JSON ({printable(error, 80)}); expected {expected}.") from error


def _row(place: str, value: Any, text: str | None) -> Row:
    if not isinstance(value, dict) or not ("id" in value or "doc_id" in value):
        shown = printable(json.dumps(value) if text is None else text.strip())
        raise UsageProblem(f"unicomp: {place} is {shown}; {EXPECTED}.")
    return Row(place, value)


def _value(text: str, place: str) -> Any:
    repeated: list[str] = []

    def gather(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.extend(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return made

    value = json.loads(text, object_pairs_hook=gather)
    if repeated:
        raise UsageProblem(f"unicomp: {place} gives the key {printable(repeated[0])!r} more than once; expected each key once.")
    require_shallow(value, place)
    # Only an escape can make half a character, because the bytes were valid UTF-8.
    return _mended(value) if "\\ud" in text or "\\uD" in text else value


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [_mended(entry) for entry in value]
    if isinstance(value, dict):
        return {whole(key): _mended(entry) for key, entry in value.items()}
    return value


def _is_one_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
