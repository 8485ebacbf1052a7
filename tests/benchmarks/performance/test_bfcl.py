"""Calls are read without being executed and held against possible answers as BFCL does; wrong files are one line before anything runs."""

from __future__ import annotations

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import MissingPiece, UsageProblem
from pytest_unicomp.benchmarks.performance.bfcl.benchmark import BENCHMARKS
from pytest_unicomp.benchmarks.performance.bfcl.calls import Call, calls
from pytest_unicomp.benchmarks.performance.bfcl.matching import fits, right
from pytest_unicomp.benchmarks.performance.bfcl.rows import DATASET
from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import canned, evaluation


def function(name: str, required: tuple[str, ...] = (), **types: Any) -> dict[str, Any]:
    """Describe a function as BFCL's rows do; a type is its name, or the whole description of the argument."""
    properties = {argument: {"type": one} if isinstance(one, str) else one for argument, one in types.items()}
    return {"name": name, "description": name, "parameters": {"type": "dict", "properties": properties, "required": list(required)}}


# The first row of BFCL's category `simple`, as its documentation shows it, and the first of `parallel`.
TRIANGLE = function("calculate_triangle_area", ("base", "height"), base="integer", height="integer", unit="string")
AREA = {"calculate_triangle_area": {"base": [10], "height": [5], "unit": ["units", ""]}}
SPOTIFY = function("spotify.play", ("artist", "duration"), artist="string", duration="integer")
PLAYED = [{"spotify.play": {"artist": ["Taylor Swift"], "duration": [20]}}, {"spotify.play": {"artist": ["Maroon 5"], "duration": [15]}}]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("[calculate_triangle_area(base=10, height=5)]", True),
        ("calculate_triangle_area(height=5, base=10, unit='Units')", True),
        ("```python\n[calculate_triangle_area(base=10, height=5)]\n```", True),
        ("[calculate_triangle_area(base=10)]", False),
        ("[calculate_triangle_area(base=10, height=6)]", False),
        ("[calculate_triangle_area(base=10, height=5.0)]", False),
        ("[calculate_triangle_area(base='10', height=5)]", False),
        ("[calculate_triangle_area(base=10, height=5, color='red')]", False),
        ("[calculate_triangle_area(base=10, height=5, unit='cm')]", False),
        ("[calculate_triangle_area(10, 5)]", False),
        ("[area(base=10, height=5)]", False),
        ("[calculate_triangle_area(base=10, height=5), calculate_triangle_area(base=10, height=5)]", False),
        ("The area is 25.", False),
        ("[]", False),
        ("", False),
    ],
)
def test_the_documented_row_is_judged_as_documented(reply: str, expected: bool) -> None:
    assert right(calls(reply) or [], [TRIANGLE], [AREA]) is expected


def test_parallel_calls_may_stand_in_any_order_and_each_counts_once() -> None:
    first, second = "spotify.play(artist='Taylor Swift', duration=20)", "spotify.play(artist='Maroon 5', duration=15)"
    for order in permutations((first, second)):
        assert right(calls(f"[{', '.join(order)}]") or [], [SPOTIFY], PLAYED)
    assert not right(calls(f"[{first}, {first}]") or [], [SPOTIFY], PLAYED)
    assert not right(calls(first) or [], [SPOTIFY], PLAYED)


def test_of_several_functions_the_right_one_is_called() -> None:
    other = function("circle.area", ("radius",), radius="float")
    assert right(calls("[circle.area(radius=2)]") or [], [TRIANGLE, other], [{"circle.area": {"radius": [2.0]}}])
    assert not right(calls("[calculate_triangle_area(base=10, height=5)]") or [], [TRIANGLE, other], [{"circle.area": {"radius": [2.0]}}])


@pytest.mark.parametrize(
    ("described", "allowed", "value", "expected"),
    [
        # April 1, 2024 is April 1 2024 (BFCL's own example).
        ("string", ["April 1, 2024"], "april 1 2024", True),
        ("string", ["April 1, 2024"], "April 2, 2024", False),
        ("float", [5.0], 5, True),
        ("integer", [5], 5.0, False),
        ("integer", [1], True, False),
        ("boolean", [True], True, True),
        ("boolean", [True], 1, False),
        ({"type": "array", "items": {"type": "string"}}, [["New York", "Rome"]], ["new-york", "rome"], True),
        ({"type": "array", "items": {"type": "string"}}, [["New York", "Rome"]], ["Rome", "New York"], False),
        ({"type": "array", "items": {"type": "integer"}}, [[1, 2]], [1, 2], True),
        ({"type": "array", "items": {"type": "integer"}}, [[1, 2]], [1.0, 2.0], False),
        ({"type": "tuple", "items": {"type": "integer"}}, [[1, 2]], (1, 2), True),
        ({"type": "array", "items": {"type": "string"}}, [["a"], ""], [], True),
        ({"type": "dict"}, [{"city": ["Rome"], "days": [3, ""]}], {"city": "rome"}, True),
        ({"type": "dict"}, [{"city": ["Rome"], "days": [3, ""]}], {"days": 3}, False),
        ({"type": "dict"}, [{"city": ["Rome"]}], {"city": "Rome", "hotel": "x"}, False),
        ({"type": "array", "items": {"type": "dict"}}, [[{"a": [1]}, {"a": [2]}]], [{"a": 1}, {"a": 2}], True),
        ({"type": "array", "items": {"type": "dict"}}, [[{"a": [1]}, {"a": [2]}]], [{"a": 2}, {"a": 1}], False),
        ({"type": "array", "items": {"type": "dict"}}, [[{"a": [1]}]], ["a"], False),
        # A possible value of another type is a variable, compared as it stands.
        ("integer", ["user_id"], "user_id", True),
        ("integer", ["user_id"], "USER id", False),
    ],
)
def test_values_are_compared_by_their_types(described: Any, allowed: list[Any], value: Any, expected: bool) -> None:
    assert fits(Call("f", {"x": value}), function("f", x=described), {"x": allowed}) is expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("'text'", "text"),
        ("[1, 'a', {'b': (2, None)}]", [1, "a", {"b": (2, None)}]),
        ("-3", -3),
        ("2.5", 2.5),
        ("user_id", "user_id"),
        ("3 * 4", "3 * 4"),
        ("open('/etc/passwd').read()", "open('/etc/passwd').read()"),
    ],
)
def test_values_are_read_and_never_run(written: str, expected: Any) -> None:
    assert calls(f"[f(x={written})]") == [Call("f", {"x": expected})]


LITERALS = st.recursive(
    st.integers(-(10**9), 10**9) | st.booleans() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), LITERALS))
def test_a_call_that_is_written_is_read(arguments: dict[str, Any]) -> None:
    written = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    assert calls(f"[module.f({written})]") == [Call("module.f", arguments)]


@given(st.text() | st.text(alphabet="[](){}f=,'\"1.-\\"))
def test_any_reply_is_calls_or_none(reply: str) -> None:
    found = calls(reply)
    assert found is None or all(isinstance(one, Call) for one in found)


@pytest.mark.parametrize(
    "reply", ["[" * 5000, "f(x=" + "9" * 10_000 + ")", "f(a=1, a=2)", "f(**x)", "f(1)", "f(a=1) + 1", "x", "[f(a=1)", "\x00"]
)
def test_what_is_no_call_is_none(reply: str) -> None:
    assert calls(reply) is None


def write(bundle: Path, category: str, found: list[Any], answers: list[Any] | None = None) -> None:
    for name, lines in ((f"BFCL_v3_{category}.json", found), (f"possible_answer/BFCL_v3_{category}.json", answers)):
        if lines is not None:
            path = bundle / DATASET / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(one if isinstance(one, str) else json.dumps(one) + "\n" for one in lines), encoding="utf-8")


def asked(one: str, text: str, *functions: Any) -> dict[str, Any]:
    return {"id": one, "question": [[{"role": "user", "content": text}]], "function": list(functions)}


def test_a_model_that_calls_the_right_functions_is_right_and_one_that_should_not_call_is_not(tiny: Engine, tmp_path: Path) -> None:
    write(tmp_path, "simple", [asked("simple_0", "Which area?", TRIANGLE)], [{"id": "simple_0", "ground_truth": [AREA]}])
    write(tmp_path, "irrelevance", [asked("irrelevance_0", "Who are you?", TRIANGLE)])
    called = canned(tiny, lambda _: "[calculate_triangle_area(base=10, height=5)]")
    silent = canned(tiny, lambda _: "No function serves this.")
    for name, right_one, wrong_one in (("bfcl_simple", called, silent), ("bfcl_irrelevance", silent, called)):
        entry = BENCHMARKS[name]
        entry.validate(evaluation(tmp_path))
        assert [item.score for item in entry.score(right_one, evaluation(tmp_path)).items] == [1.0]
        assert [item.score for item in entry.score(wrong_one, evaluation(tmp_path)).items] == [0.0]
    (item,) = BENCHMARKS["bfcl_simple"].score(called, evaluation(tmp_path)).items
    assert "calculate_triangle_area" in (item.prompt or "")
    assert "Which area?" in (item.prompt or "")
    assert (item.target, item.id) == (json.dumps([AREA]), "simple_0")


QUESTION = asked("simple_0", "?", TRIANGLE)
ANSWERED = {"id": "simple_0", "ground_truth": [AREA]}


@pytest.mark.parametrize(
    ("found", "answers", "expected"),
    [
        (["{\n"], [ANSWERED], r"BFCL_v3_simple\.json:1: is not JSON"),
        (["[1]\n"], [ANSWERED], r"BFCL_v3_simple\.json:1: holds list; expected an object"),
        ([{**QUESTION, "id": 3}], [ANSWERED], r":1: id is '3'; expected a text"),
        ([{**QUESTION, "question": "?"}], [ANSWERED], r":1: question holds no message"),
        ([{**QUESTION, "function": [{"name": "f"}]}], [ANSWERED], r":1: function is .*; expected a list of functions"),
        ([QUESTION], [{"id": "simple_1", "ground_truth": [AREA]}], r":1: simple_0 has no line in possible_answer"),
        ([QUESTION], [{"id": "simple_0", "ground_truth": []}], r"possible_answer/BFCL_v3_simple\.json:1: ground_truth is"),
        ([QUESTION], [{"id": "simple_0", "ground_truth": [{"f": {"a": 1}}]}], r":1: ground_truth is .*; expected a list such as"),
    ],
)
def test_a_wrong_file_is_one_line_with_its_place(tmp_path: Path, found: list[Any], answers: list[Any], expected: str) -> None:
    write(tmp_path, "simple", found, answers)
    with pytest.raises(UsageProblem, match=expected) as raised:
        BENCHMARKS["bfcl_simple"].validate(evaluation(tmp_path))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_bundle_without_the_files_is_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    with pytest.raises(MissingPiece, match=DATASET):
        BENCHMARKS[name].validate(evaluation(tmp_path))
    (piece,) = BENCHMARKS[name].pieces()
    assert piece.files == BENCHMARKS[name].files
