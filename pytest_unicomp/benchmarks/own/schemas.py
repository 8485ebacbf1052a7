"""Tells if a reply is JSON that is valid under a JSON Schema (draft 2020-12); a pattern of the schema has a time limit, and no other file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.api.errors import one_line
from pytest_unicomp.api.foreign import ForeignFile, json_value
from pytest_unicomp.benchmarks.own import patterns

REFERENCES = ("$ref", "$dynamicRef")


def fault(schema: Any) -> str | None:
    """Return in one phrase why a value cannot be used as a JSON Schema, or None if it can."""
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(schema, Mapping | bool):
        return f"is {type(schema).__name__}"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is no JSON Schema ({one_line(error.message, longest=120)})"
    for key, value in _entries(schema):
        if key in REFERENCES and not str(value).startswith("#"):
            return f"refers to {str(value)[:60]!r}, which is elsewhere"
        if key == "pattern" and isinstance(value, str) and (why := patterns.fault(value)):
            return f"has a pattern that {why}"
    return None


def valid(schema: Any, reply: str) -> bool | None:
    """Return True if a reply, or the content of its one code fence, is JSON that is valid; None if a pattern took too long to tell."""
    try:
        value = json_value(_unfenced(reply), "the reply")
    except ForeignFile:
        return False
    try:
        return bool(_validator()(schema).is_valid(value))
    except TimeoutError:
        return None


def _validator() -> Any:
    """Return jsonschema's validator with the two keywords that search for patterns given a time limit."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    def pattern(_: Any, wanted: str, instance: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(instance, str) and not _matches(wanted, instance):
            yield ValidationError(f"{instance!r} does not match {wanted!r}")

    def pattern_properties(validator: Any, wanted: Mapping[str, Any], instance: Any, _: Any) -> Iterator[ValidationError]:
        for one, inner in wanted.items() if isinstance(instance, dict) else ():
            for name, value in instance.items():
                if _matches(one, name):
                    yield from validator.descend(value, inner, path=name, schema_path=one)

    return extend(Draft202012Validator, {"pattern": pattern, "patternProperties": pattern_properties})


def _matches(pattern: str, text: str) -> bool:
    found = patterns.found(pattern, text)
    if found is None:
        raise TimeoutError
    return found


def _unfenced(reply: str) -> str:
    stripped = reply.strip()
    lines = stripped.split("\n")
    fenced = len(lines) > 2 and lines[0].strip() in ("```", "```json") and lines[-1].strip() == "```"
    return "\n".join(lines[1:-1]) if fenced else stripped


def _entries(schema: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of a schema with its value, inner schemas included, and the keys of patternProperties as patterns."""
    open_values = [schema]
    while open_values:
        value = open_values.pop()
        if isinstance(value, Mapping):
            yield from value.items()
            named = value.get("patternProperties")
            yield from (("pattern", one) for one in (named if isinstance(named, Mapping) else ()))
        open_values += value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
