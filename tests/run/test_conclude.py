"""From checks to the report's rows: the verdict with and without waivers, the scores, and the order of the checks."""

from __future__ import annotations

from pytest_unicomp.compare import Policy
from pytest_unicomp.report.scores import SCORES
from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.conclude import paired, place, recipe, scored, with_scores
from pytest_unicomp.run.plan import Cell, Plan
from tests.toys import artifact, measurement

CELL = Cell("rtn", "quantization", True, "toy", "items", "performance", "knowledge", 0)
GOOD, BAD = [1.0] * 900 + [0.0] * 100, [1.0] * 700 + [0.0] * 300


def check(after=BAD, **changes):
    made = Checker(Policy()).check(CELL, "retention", Pair(measurement(GOOD), measurement(after, artifact="b")))
    return made.model_copy(update=changes)


def test_a_row_tells_the_verdict_with_and_without_its_waivers():
    row = recipe([check(waived=True)], artifact("/nowhere"), policy=Policy())
    assert (row.verdict, row.without_waivers) == ("pass", "fail")
    assert (row.recipe, row.family, row.gates) == ("rtn", "quantization", True)


def test_a_row_without_an_artifact_says_nothing_of_its_making():
    row = recipe([check(verdict="error", evidence=None)], None, policy=Policy())
    assert (row.verdict, row.settings, row.artifact, row.calibration) == ("error", {}, None, None)


def test_only_measured_and_comparable_retention_has_scores():
    kept, broken, other = check(), check(verdict="error"), check(question="drift")
    incomparable = check(verdict="not_comparable")
    assert paired([kept, broken, other, incomparable]) == [kept, incomparable]
    assert scored([kept, broken, other, incomparable]) == [kept]


def test_a_row_with_no_number_has_no_scores_and_one_with_some_has_all_thirteen():
    row = recipe([check()], artifact("/nowhere"), policy=Policy())
    assert with_scores(row, {}, {}, "corrected").scores == {}
    some = with_scores(row, {}, {"S_IE": 87.0}, "corrected").scores
    assert list(some) == list(SCORES)
    assert {name for name, value in some.items() if value is not None} == {"S_IE"}


def test_checks_stand_by_recipe_then_benchmark_then_question():
    plan = Plan("nano", (Candidate("rtn", "quantization", True), Candidate("wanda", "pruning", False)), ("toy", "kernel-int8"), (CELL,))
    order = [
        check(recipe="reference", benchmark="kernel-int8"),
        check(benchmark="artifact"),
        check(question="drift"),
        check(question="retention"),
        check(recipe="wanda"),
    ]
    shuffled = [order[number] for number in (3, 0, 4, 2, 1)]
    assert sorted(shuffled, key=lambda made: place(made, plan)) == order
