"""A file of questions is read as it stands, or refused in one line with its file, its line and the field that was expected."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks.own import file, question, scorers

GOOD = {"prompt": "2 + 2 =", "answer": "4"}


def written(folder: Path, *lines: Any) -> Path:
    path = folder / "questions.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines), encoding="utf-8")
    return path


def test_every_field_is_kept_and_examples_stand_apart(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"id": "first", "prompt": "2 + 2 =", "answers": ["4", "four"], "cluster": "sums", "slice": "easy", "must_pass": True},
        "",
        {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "3 + 3 ="}], "answer": 6},
        {"prompt": "1 + 1 =", "answer": "2", "example": True},
    )
    found = file.read(path, "exact")
    assert found.scored == (
        question.Question("first", (("user", "2 + 2 ="),), ("4", "four"), cluster="sums", slice="easy", must_pass=True),
        question.Question("3", (("system", "Be brief."), ("user", "3 + 3 =")), ("6",)),
    )
    assert [one.id for one in found.examples] == ["4"]


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    first = file.read(written(tmp_path, GOOD), "exact").digest
    assert file.read(written(tmp_path, GOOD, {**GOOD, "prompt": "other"}), "exact").digest != first


@pytest.mark.parametrize(
    ("scorer", "lines", "where", "expected"),
    [
        ("exact", [], "questions.jsonl", "holds no question; expected a question a line"),
        ("exact", [{**GOOD, "example": True}], "questions.jsonl", "holds examples alone"),
        ("exact", [GOOD, "{"], ":2:", "is not JSON"),
        ("exact", ["[1]"], ":1:", "the line holds list; expected an object"),
        ("exact", [{"promt": "x", "answer": "y"}], ":1:", "'promt' is no field of a question; expected id, prompt"),
        ("exact", [{"answer": "y"}], ":1:", "prompt is missing; expected either prompt, a text, or messages"),
        ("exact", [{**GOOD, "messages": []}], ":1:", "prompt and messages are both there"),
        ("exact", [{"prompt": "", "answer": "y"}], ":1:", "prompt is ''; expected a text that is not empty"),
        ("exact", [{"messages": [{"role": "robot", "content": "x"}], "answer": "y"}], ":1:", "a role of system, user, assistant"),
        ("exact", [{"messages": [{"role": "assistant", "content": "x"}], "answer": "y"}], ":1:", "a last message of the user"),
        ("exact", [{"prompt": "x"}], ":1:", "answer is missing; expected answer, a text, or answers"),
        ("exact", [{"prompt": "x", "answers": []}], ":1:", "answers is []; expected a list of texts"),
        ("exact", [{**GOOD, "answers": ["x"]}], ":1:", "answer and answers are both there"),
        ("exact", [{**GOOD, "must_pass": "yes"}], ":1:", "must_pass is 'yes'; expected true or false"),
        ("exact", [{**GOOD, "id": "a"}, {**GOOD, "id": "a"}], ":2:", "id 'a' is that of line 1 too"),
        ("exact", [{**GOOD, "id": "2"}, GOOD], ":2:", "id '2' is that of line 1 too"),
        ("choice", [{**GOOD, "options": ["4"]}], ":1:", "options is ['4']; expected a list of at least two different texts"),
        ("choice", [{**GOOD, "options": ["4", "4"]}], ":1:", "expected a list of at least two different texts"),
        ("choice", [{**GOOD, "options": ["5", "6"]}], ":1:", "answer is '4'; expected one of the options"),
        ("number", [{"prompt": "x", "answer": "four"}], ":1:", "answer is 'four'; expected a number"),
        ("pattern", [{"prompt": "x", "answer": "y"}], ":1:", "pattern is missing; expected pattern, a regular expression"),
        ("pattern", [{"prompt": "x", "pattern": "(a"}], ":1:", "pattern is no regular expression"),
        ("pattern", [{"prompt": "x", "pattern": "a" * 3000}], ":1:", "pattern has 3,000 characters"),
        ("json_schema", [{"prompt": "x", "schema": {"type": "strin"}}], ":1:", "schema is no JSON Schema"),
        ("json_schema", [{"prompt": "x", "schema": [1]}], ":1:", "schema is list"),
        ("json_schema", [{"prompt": "x", "schema": {"$ref": "http://host/s"}}], ":1:", "refers to 'http://host/s', which is elsewhere"),
        ("json_schema", [{"prompt": "x", "schema": {"patternProperties": {"(a": {}}}}], ":1:", "is no JSON Schema ('(a' is not a 'regex')"),
        ("json_schema", [{"prompt": "x", "schema": {"$ref": "#/$defs/a"}}], ":1:", "refers to '#/$defs/a', where it has no schema"),
        (
            "json_schema",
            [{"prompt": "x", "schema": {"type": "object", "$ref": "#/type"}}],
            ":1:",
            "refers to '#/type', where it has no schema",
        ),
        ("json_schema", [{"prompt": "x", "schema": {"type": "object", "$ref": "#/type/x"}}], ":1:", "where it has no schema"),
        ("json_schema", [{"prompt": "x", "schema": {"$dynamicRef": "#a"}}], ":1:", "refers to '#a', where it has no schema"),
        ("json_schema", [{"prompt": "x", "schema": {"$ref": "#"}}], ":1:", "refers to itself without an end"),
        ("json_schema", [{"prompt": "x", "schema": {"not": {"$id": "b", "$ref": "#"}}}], ":1:", "has an $id below its top"),
        (
            "json_schema",
            [{"prompt": "x", "schema": {"patternProperties": {"a": {}}, "unevaluatedProperties": False}}],
            ":1:",
            "no time limit",
        ),
        ("json_schema", [{"prompt": "x", "schema": {"pattern": "a{99999999999}"}}], ":1:", "has a pattern that is no regular expression"),
        ("pattern", [{"prompt": "x", "pattern": "(?u)(?a)x"}], ":1:", "pattern is no regular expression"),
        ("number", [{"prompt": "x", "answer": "3,5"}], ":1:", "answer is '3,5'; expected a number"),
        ("normalized", [{"prompt": "x", "answers": ["B", "A"]}], ":1:", "answer is 'A', of which nothing is left"),
        ("exact", [r'{"prompt": "\ud800", "answer": "y"}'], ":1:", "holds half of a surrogate pair"),
        ("judge", [{"prompt": "x"}], ":1:", "criteria is missing"),
        ("exact", [{"prompt": "x", "example": True}, GOOD], ":1:", "answer is missing in an example"),
    ],
)
def test_whatever_is_wrong_is_one_line_with_its_place(tmp_path: Path, scorer: str, lines: list[Any], where: str, expected: str) -> None:
    with pytest.raises(UsageProblem) as raised:
        file.read(written(tmp_path, *lines), scorer)
    message = str(raised.value)
    assert expected in message
    assert where in message
    assert message.count("\n") == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"prompt": "x", "answer": "y"}\n{"prompt": "\xff"}\n', "questions.jsonl:2: is not UTF-8 at byte 12"),
        (b'{"prompt": "' + b"x" * (2 << 20) + b'"}\n', "questions.jsonl:1: is longer than 1,048,576 bytes"),
        (b'{"prompt": "x", "prompt": "y"}\n', "questions.jsonl:1: names the key 'prompt' more than once"),
        (b'{"prompt": ' + b"[" * 5000 + b"\n", "questions.jsonl:1:"),
    ],
)
def test_bytes_that_are_no_question_are_one_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_bytes(content)
    with pytest.raises(UsageProblem) as raised:
        file.read(path, "exact")
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_line_of_a_hundred_megabytes_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    with path.open("wb") as stream:
        stream.truncate(100 << 20)
    begun = time.perf_counter()
    with pytest.raises(UsageProblem, match=r"questions\.jsonl:1: is longer than"):
        file.read(path, "exact")
    assert time.perf_counter() - begun < 1


@pytest.mark.parametrize("made", [Path.mkdir, lambda path: None])
def test_what_is_no_file_is_refused(tmp_path: Path, made: Any) -> None:
    made(tmp_path / "questions.jsonl")
    with pytest.raises(UsageProblem, match="expected a"):
        file.read(tmp_path / "questions.jsonl", "exact")


def test_ten_thousand_questions_are_read_within_a_second(tmp_path: Path) -> None:
    path = written(tmp_path, *({"prompt": f"{number} + 1 =", "answer": str(number + 1), "cluster": "sums"} for number in range(10_000)))
    begun = time.process_time()
    assert len(file.read(path, "number").scored) == 10_000
    assert time.process_time() - begun < 1


SIMPLE = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
JSON = SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "type", "$ref"]), SIMPLE, max_size=3)
ROWS = st.dictionaries(st.sampled_from([*question.FIELDS, "other"]), JSON, max_size=5)


@settings(max_examples=60)
@given(row=ROWS, scorer=st.sampled_from(sorted(scorers.NEEDS)))
def test_any_object_is_a_question_or_a_wrong_field(row: dict[str, Any], scorer: str) -> None:
    try:
        said = question.question(row, 7, scorer).messages[-1][0]
    except question.WrongField as error:
        said = str(error)
    assert said == "user" or "; expected " in said


@settings(max_examples=60)
@given(content=st.binary(max_size=300))
def test_any_bytes_are_questions_or_one_line(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "questions.jsonl"
    path.write_bytes(content)
    try:
        said = str(len(file.read(path, "exact").scored))
    except UsageProblem as error:
        said = str(error)
    assert said.isdigit() or (said.startswith("unicomp: ") and "\n" not in said)
