"""The published JSON Schema."""

from __future__ import annotations

import jsonschema

from pytest_unicomp.report import schema


def test_the_published_schema_is_the_one_of_the_records() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run python -m pytest_unicomp.report.schema"


def test_the_schema_itself_is_valid_and_names_its_version() -> None:
    published = schema.load()
    jsonschema.Draft202012Validator.check_schema(published)
    assert published["properties"]["schema"]["const"] == "unicomp-report/1"
