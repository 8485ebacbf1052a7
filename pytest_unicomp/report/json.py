"""Writes and reads the JSON report of schema `unicomp-report/1`, validated on each write; unknown values are null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.foreign import LARGEST_REPORT, ForeignFile, read_json
from pytest_unicomp.api.records import Report
from pytest_unicomp.report import schema
from pytest_unicomp.store.local import write_text

NAME = "unicomp-report/1"
# Digits: whatever a report counts fits 64 bits.
LONGEST_INTEGER = 18


def document(report: BaseModel) -> dict[str, Any]:
    """Return a report, or one of its records, as JSON values: fields in schema order, free mappings sorted by key, infinite and NaN as None."""
    plain: dict[str, Any] = _plain(report)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        return {field.alias or name: _plain(getattr(value, name)) for name, field in fields.items()}
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    return _text(str(value))


def _text(text: str) -> str:
    """Return text that UTF-8 can encode: a lone surrogate becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def write(report: Report, path: Path) -> None:
    """Validate against the published schema, then write UTF-8, one field per line, atomically.

    Raises UnicompError if the report does not match the schema (no file is written), and OSError if writing fails.
    """
    import jsonschema

    content = document(report)
    error = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema.load()).iter_errors(content))
    if error is not None:
        raise UnicompError(
            f"unicomp: the report does not match its schema {NAME} at {error.json_path}: {error.message}; {path} was not written."
        )
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read(path: Path) -> Report:
    """Read a report written by `write`; raise UsageProblem, in one line, for any other file."""
    try:
        content = read_json(path, LARGEST_REPORT, digits=LONGEST_INTEGER)
    except ForeignFile as error:
        raise UsageProblem(f"unicomp: {path} cannot be read as a report: it {error.found}; expected JSON of schema {NAME}.") from error
    found = content.get("schema") if isinstance(content, dict) else None
    if found != NAME:
        raise UsageProblem(
            f"unicomp: {path} is no report: its schema is {found!r}; expected {NAME!r}, as written by --unicomp-report=gate.json."
        )
    try:
        report = Report.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageProblem(
            f"unicomp: {path} is not a valid report: {place}: {first['msg']} ({error.error_count()} errors); write it again with --unicomp-report."
        ) from error
    _require_dates(report, path)
    return report


def _require_dates(report: Report, path: Path) -> None:
    stated: list[tuple[str, str, Callable[[str], object]]] = [("created", report.created, datetime.fromisoformat)]
    stated += [(f"waivers.{place}.expires", waiver.expires, date.fromisoformat) for place, waiver in enumerate(report.waivers)]
    for where, text, parse in stated:
        try:
            parse(text)
        except ValueError as error:
            raise UsageProblem(
                f"unicomp: {path} is not a valid report: {where} is {text[:40]!r}; expected a date in ISO 8601, such as 2026-12-31."
            ) from error
