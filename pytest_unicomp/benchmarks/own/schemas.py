"""Tells if a reply is JSON that is valid under a JSON Schema (draft 2020-12); a pattern of the schema has a time limit, and no other file is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pytest_unicomp.api.errors import one_line
from pytest_unicomp.api.foreign import ForeignFile, json_value
from pytest_unicomp.benchmarks.own import patterns

REFERENCES: Final = ("$ref", "$dynamicRef")


def fault(schema: Any) -> str | None:
    """Return in one phrase why a value cannot be used as a JSON Schema, or None if it can."""
    from jsonschema import Draft202012Validator, SchemaError

    if not isinstance(schema, Mapping | bool):
        return f"is {type(schema).__name__}"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"is no JSON Schema ({one_line(error.message, longest=120)})"
    # `re` compiles its patterns here: it recurses for nested groups, and overflows for the largest repeats.
    except (RecursionError, OverflowError) as error:
        return f"has a pattern that is no regular expression ({error})"
    entries = list(_entries(schema))
    for key, value in entries:
        if key == "pattern" and isinstance(value, str) and (why := patterns.fault(value)):
            return f"has a pattern that {why}"
    keys = {key for key, _ in entries}
    if {"unevaluatedProperties", "patternProperties"} <= keys:
        return "has unevaluatedProperties beside patternProperties, whose patterns would have no time limit"
    return _reference_fault(schema, entries)


def _reference_fault(schema: Any, entries: Sequence[tuple[str, Any]]) -> str | None:
    """Return in one phrase why a reference leads to no schema within this one, or without an end to itself; None if all can be followed."""
    from jsonschema import Draft202012Validator, SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    references = [value for key, value in entries if key in REFERENCES and isinstance(value, str)]
    if not references:
        return None
    if sum(key == "$id" and isinstance(value, str) for key, value in entries) > ("$id" in schema):
        return "has an $id below its top, beside references"
    resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
    for reference in references:
        if not reference.startswith("#"):
            return f"refers to {reference[:60]!r}, which is elsewhere"
        try:
            Draft202012Validator.check_schema(resolver.lookup(reference).contents)
        # A pointer into a text or a list asks for a place that is no number.
        except (Unresolvable, SchemaError, ValueError):
            return f"refers to {reference[:60]!r}, where it has no schema"
    try:
        Draft202012Validator(schema).is_valid(None)
    except RecursionError:
        return "refers to itself without an end"
    return None


def valid(schema: Any, reply: str, *, formats: Sequence[str] = ()) -> bool | None:
    """Return True if a reply, or the content of its one code fence, is JSON that is valid; None if a pattern took too long or references did not end.

    `formats` are the values of the keyword `format` that are checked; others are notes, as JSON Schema has them by default.
    """
    from jsonschema import FormatChecker

    try:
        value = json_value(_unfenced(reply), "the reply")
    except ForeignFile:
        return False
    try:
        return bool(_validator()(schema, format_checker=FormatChecker(formats)).is_valid(value))
    except (TimeoutError, RecursionError):
        return None


def _validator() -> Any:
    """Return jsonschema's validator with a time limit in the three keywords that search for patterns."""
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

    def additional_properties(validator: Any, wanted: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        named, matched = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items() if isinstance(instance, dict) else ():
            if name not in named and not any(_matches(one, name) for one in matched):
                yield from validator.descend(value, wanted, path=name)

    changed = {"pattern": pattern, "patternProperties": pattern_properties, "additionalProperties": additional_properties}
    return extend(Draft202012Validator, changed)


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
