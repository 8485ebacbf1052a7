"""The list of survivors: what is counted, and what fails it."""

from __future__ import annotations

import json

import pytest

from tests.mutation.results import mutants, outcome
from tests.mutation.survivors import EXPLAINED, Explanation, counts, explanations, faults, main, page

SOURCE = """
def x_double__mutmut_orig(value):
    return 2 * value
def x_double__mutmut_1(value):
    return 3 * value
def x_double__mutmut_2(value):
    return 2 / value
class Box:
    def xǁBoxǁsize__mutmut_orig(self):
        return 1
    def xǁBoxǁsize__mutmut_1(self):
        return 2
"""
SPANS = {
    "x_double__mutmut_orig": [2, 3],
    "x_double__mutmut_1": [4, 5],
    "x_double__mutmut_2": [6, 7],
    "xǁBoxǁsize__mutmut_orig": [9, 10],
    "xǁBoxǁsize__mutmut_1": [11, 12],
}
TWICE = Explanation("stats.toy.double", "return 2 * value -> return 3 * value", True, "nobody doubles")


@pytest.fixture
def folder(tmp_path):
    """A folder as mutmut leaves it: one module with three mutants, the first of which survives."""
    return written(tmp_path, [0, 1, 37])


def written(folder, codes):
    package = folder / "pytest_unicomp/compare/stats"
    package.mkdir(parents=True, exist_ok=True)
    keys = ["x_double__mutmut_1", "x_double__mutmut_2", "xǁBoxǁsize__mutmut_1"]
    named = {f"pytest_unicomp.compare.stats.toy.{key}": code for key, code in zip(keys, codes, strict=True)}
    (package / "toy.py").write_text(SOURCE, encoding="utf-8")
    (package / "toy.py.meta").write_text(json.dumps({"exit_code_by_key": named}), encoding="utf-8")
    (package / "toy.py.spans").write_text(json.dumps({"version": 1, "spans": SPANS}), encoding="utf-8")
    return folder


def test_a_survivor_is_told_by_its_function_and_the_lines_it_changes(folder):
    found = list(mutants(folder))
    assert [(one.where, one.outcome) for one in found] == [
        ("stats.toy.double", "survives"),
        ("stats.toy.double", "killed"),
        ("stats.toy.Box.size", "refused"),
    ]
    assert found[0].change == "return 2 * value -> return 3 * value"


@pytest.mark.parametrize(
    ("code", "ended"),
    [(0, "survives"), (33, "survives"), (5, "survives"), (1, "killed"), (36, "killed"), (-9, "killed"), (37, "refused"), (None, "not run")],
)
def test_what_no_test_reaches_survives_and_a_timeout_kills(code, ended):
    assert outcome(code) == ended


def test_the_count_of_a_module_tells_equivalent_survivors_apart(folder):
    row, whole = counts(list(mutants(folder)), [TWICE])
    assert (row.module, row.made, row.refused, row.killed, row.survive, row.equivalent, row.run) == ("stats.toy", 3, 1, 1, 1, 1, 2)
    assert (whole.module, whole.made) == ("together", 3)


def test_a_survivor_without_an_explanation_and_an_explanation_without_a_survivor_are_faults(folder):
    found = list(mutants(folder))
    assert "not explained: stats.toy.double: return 2 * value -> return 3 * value" in faults(found, [])
    other = Explanation("stats.toy.double", "return 2 * value -> return value", True, "gone")
    assert "survives no longer: stats.toy.double: return 2 * value -> return value" in faults(found, [TWICE, other])
    # One in two is more than one in twenty, explained or not.
    assert faults(found, [TWICE]) == ["1 of 2 survive: 50.0 %, more than 5 %"]
    assert faults(list(mutants(written(folder, [1, 1, 37]))), []) == []


def test_a_module_that_was_not_run_to_the_end_calls_no_explanation_stale(folder):
    found = list(mutants(written(folder, [None, 1, 37])))
    assert faults(found, [TWICE]) == []


def test_the_page_gets_the_table_and_the_list_between_its_marks(folder, tmp_path, capsys):
    target = tmp_path / "page.md"
    target.write_text("before\n<!-- mutants:start -->\nold\n<!-- mutants:end -->\nafter\n", encoding="utf-8")
    assert main(["--folder", str(folder), "--write", str(target)]) == 1
    text = target.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- mutants:start -->\n| module | mutants |")
    assert "| stats.toy | 3 | 1 | 1 | 1 | 0 | 0 |" in text
    assert "old" not in text
    assert text.endswith("<!-- mutants:end -->\nafter\n")
    assert "not explained" in capsys.readouterr().out
    assert "- `stats.toy.double`, not explained\n    - `return 2 * value -> return 3 * value`" in text
    assert "`stats.toy.double`, equivalent: nobody doubles" in page(list(mutants(folder)), [TWICE])


def test_every_explanation_has_a_reason_and_stands_once():
    found = explanations()
    assert all(entry.reason and " -> " in entry.change for entry in found), EXPLAINED
    assert len({(entry.where, entry.change) for entry in found}) == len(found)
