"""Each scorer tells right replies from wrong ones, and neither a pattern nor a schema can hold up a run."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.benchmarks.own import patterns, schemas, scorers
from pytest_unicomp.benchmarks.own.grading import grade
from pytest_unicomp.benchmarks.own.question import question

# It would take longer than the sun has left.
CATASTROPHE = r"^(([a-z])+.)+[A-Z]([a-z])+$"


def graded(scorer: str, reply: str, **fields: Any) -> float | None:
    return grade(scorer, question({"prompt": "?", **fields}, 1, scorer), reply)


@pytest.mark.parametrize(
    ("scorer", "fields", "right", "wrong"),
    [
        ("exact", {"answers": ["Paris", "paris"]}, [" Paris\n", "paris"], ["PARIS", "Paris.", ""]),
        ("normalized", {"answer": "The Eiffel Tower"}, ["eiffel tower.", "an Eiffel  tower!"], ["Eiffel", "the tower of Eiffel"]),
        ("number", {"answer": 1234.5}, ["It is 1,234.50.", "3 + 4 gives 1234.5"], ["1234.5 or 7", "none", "-1234.5"]),
        ("number", {"answer": "-3"}, ["minus: -3", "(-3)", "it is \u22123"], ["3", "5-3"]),
        ("number", {"answer": 20}, ["10-20", "about GPT-20", "2e1", "2.0E+01"], ["-20", "20e1"]),
        ("number", {"answer": 1e-7}, ["1e-07", "0.0000001"], ["7", "-7"]),
        ("contains", {"answer": "drum"}, ["He plays the DRUM."], ["He plays the lute."]),
        ("pattern", {"pattern": r"\bR-\d{4}\b"}, ["case R-1234, closed"], ["R-12345", "r-1234"]),
        (
            "json_schema",
            {"schema": {"type": "object", "required": ["a"]}},
            ['{"a": 1}', '```json\n{"a": 1}\n```'],
            ["{}", "a", "[1]", '{"a": 1} ok'],
        ),
        ("json_schema", {"schema": {"$ref": "#/$defs/x", "$defs": {"x": {"type": "integer"}}}}, ["3"], ["3.5", '"3"']),
        ("json_schema", {"schema": {"patternProperties": {"^n": {"type": "integer"}}}}, ['{"n1": 1, "m": "x"}'], ['{"n1": "x"}']),
        (
            "json_schema",
            {"schema": {"properties": {"a": {}}, "patternProperties": {"^n": {}}, "additionalProperties": False}},
            ['{"a": 1, "n1": 1}', "{}", "5"],
            ['{"a": 1, "b": 1}'],
        ),
        (
            "json_schema",
            {"schema": {"patternProperties": {"^n": {}}, "additionalProperties": {"type": "integer"}}},
            ['{"b": 1, "n1": "x"}'],
            ['{"b": "x"}'],
        ),
        (
            "json_schema",
            {"schema": {"$ref": "#whole", "$id": "http://host/s", "$defs": {"x": {"$anchor": "whole", "type": "integer"}}}},
            ["3"],
            ['"3"'],
        ),
        ("json_schema", {"schema": {"properties": {"$ref": {"type": "string"}}}}, ['{"$ref": "x"}'], ['{"$ref": 1}']),
        ("json_schema", {"schema": {"pattern": "^a+$"}}, ['"aa"', "5"], ['"ab"']),
    ],
)
def test_right_is_one_and_wrong_is_zero(scorer: str, fields: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    assert [graded(scorer, reply, **fields) for reply in right] == [1.0] * len(right)
    assert [graded(scorer, reply, **fields) for reply in wrong] == [0.0] * len(wrong)


def test_a_pattern_that_would_never_end_leaves_the_item_without_a_score() -> None:
    begun = time.perf_counter()
    assert patterns.found(CATASTROPHE, "a" * 4000, seconds=0.05) is None
    assert graded("pattern", "a" * 4000, pattern=CATASTROPHE) is None
    assert time.perf_counter() - begun < 30


@pytest.mark.parametrize(
    ("schema", "reply"),
    [
        ({"pattern": CATASTROPHE}, '"{}"'),
        ({"patternProperties": {CATASTROPHE: {}}}, '{{"{}": 1}}'),
        ({"additionalProperties": False, "patternProperties": {CATASTROPHE: {}}}, '{{"{}": 1}}'),
    ],
)
def test_a_pattern_of_a_schema_has_the_same_limit(monkeypatch: pytest.MonkeyPatch, schema: dict[str, Any], reply: str) -> None:
    monkeypatch.setattr(patterns.found, "__kwdefaults__", {"seconds": 0.05})
    assert schemas.valid(schema, reply.format("a" * 4000)) is None


def test_references_that_only_some_replies_follow_without_an_end_leave_those_without_a_score() -> None:
    schema = {"properties": {"x": {"$ref": "#/properties/x"}}}
    assert schemas.fault(schema) is None
    assert (schemas.valid(schema, "{}"), schemas.valid(schema, '{"x": 1}')) == (True, None)


def test_a_pattern_that_takes_all_the_memory_it_may_leaves_the_item_without_a_score() -> None:
    # The library stops it at half a gigabyte.
    assert patterns.found("(?P<x>(?&x))", "a", seconds=60) is None


@given(reply=st.text(), scorer=st.sampled_from(["exact", "normalized", "number", "contains"]))
def test_any_reply_is_right_or_wrong(reply: str, scorer: str) -> None:
    assert graded(scorer, reply, answer="12") in (0.0, 1.0)


@given(st.integers(-(10**12), 10**12))
def test_a_whole_number_is_found_however_it_is_written(value: int) -> None:
    for text in (f"{value}", f"{value:,}", f"the result is {value:,}.", f"12 then {value}.00"):
        assert scorers.last_number(text) == value


@given(st.text())
def test_normalizing_twice_changes_nothing(text: str) -> None:
    once = scorers.normalized(text)
    assert scorers.normalized(once) == once
