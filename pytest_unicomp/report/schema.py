"""The published JSON Schema of a report; `python -m pytest_unicomp.report.schema` rewrites it after a change of the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import Check, Report

FILE = Path(__file__).with_name("schema.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def generate() -> dict[str, Any]:
    """Return the schema `unicomp-report/1` (JSON Schema 2020-12) as the records define it; every field is required but those that
    a check has only if there is something to say, none may be added."""
    described = Report.model_json_schema(mode="serialization", by_alias=True)
    for record in (described, *described["$defs"].values()):
        # pydantic does not require fields with defaults, but a written report always has them.
        record["required"] = list(record["properties"])
    sometimes = {name for name, field in Check.model_fields.items() if field.exclude_if is not None}
    described["$defs"]["Check"]["required"] = [name for name in Check.model_fields if name not in sometimes]
    return {"$schema": DIALECT, "$id": "urn:unicomp-report:1", **described}


def text() -> str:
    """Return the schema as the text of FILE."""
    return json.dumps(generate(), indent=2, ensure_ascii=False) + "\n"


def load() -> dict[str, Any]:
    """Read the published schema."""
    schema: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return schema


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
