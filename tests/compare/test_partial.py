"""A run, a recipe or a capability of which something has no answer: never a pass, and what is missing is named."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import LeftOut, Partial
from pytest_unicomp.compare import Policy, missing_of, partial, pool, recipe_verdict, run_verdict
from tests.compare.toy_checks import POLICY, kept, recipe


def left(benchmark="one", *, capability="knowledge", question="retention", name="toy"):
    return LeftOut(recipe=name, benchmark=benchmark, capability=capability, question=question)


def cut_short(*missing, exit_code=None, planned=17):
    return Partial(planned=planned, why="stopped", exit_code=exit_code, missing=list(missing))


def test_what_is_missing_is_named_up_to_three_and_then_counted():
    assert partial.named(left()) == "toy on one (retention)"
    assert partial.named(left("", capability="long_context", question="capability")) == "toy, long context (capability)"
    assert partial.named(left(question="must_pass")) == "toy on one (must-pass)"
    three = [left(name) for name in "abc"]
    assert partial.listed(three) == "toy on a (retention), toy on b (retention), toy on c (retention)"
    assert partial.listed([*three, left("d"), left("e")]) == f"{partial.listed(three)} and 2 more"
    assert partial.counted(cut_short(*three)) == "partial: 14 of 17 checks"
    assert partial.counted(cut_short(planned=1)) == "partial: 1 of 1 check"


def test_only_the_recipes_own_tests_are_missing_of_it():
    both = cut_short(left(), left(name="other"))
    assert missing_of(both, "toy") == [left()]
    assert missing_of(None, "toy") == []


@pytest.mark.parametrize(
    ("verdict", "exit_code", "answer", "code"),
    [
        ("pass", None, "inconclusive", 6),
        ("inconclusive", None, "inconclusive", 6),
        ("fail", None, "fail", 1),
        ("error", None, "error", 7),
        ("pass", 2, "inconclusive", 2),
        ("pass", 5, "inconclusive", 5),
        ("pass", 7, "error", 7),
        ("inconclusive", 7, "error", 7),
        ("fail", 7, "fail", 7),
        ("fail", 2, "fail", 2),
    ],
)
def test_a_partial_run_is_never_a_pass(verdict, exit_code, answer, code):
    found = run_verdict([recipe(verdict)], Policy(inconclusive="warn"), cut_short(left(), exit_code=exit_code))
    assert found[:2] == (answer, code)
    assert found[2].startswith("partial: 16 of 17 checks (stopped), left out: toy on one (retention); ")


def test_a_recipe_of_which_something_is_missing_does_not_pass_and_other_verdicts_stand():
    found = recipe_verdict([kept(-0.01, 0.01)], policy=POLICY, missing=[left("two", capability="reasoning")])
    assert found[0] == "inconclusive"
    assert found[1] == "partial, left out: toy on two (retention); of what was asked: kept: knowledge"
    assert [(one.capability, one.verdict) for one in found[2]] == [("knowledge", "pass")]
    assert recipe_verdict([kept(-0.09, -0.06)], policy=POLICY, missing=[left("two")])[0] == "fail"


@pytest.mark.parametrize(
    ("missing", "verdict"),
    [
        ([left("two")], "inconclusive"),
        ([left("two", capability="reasoning")], "pass"),
        ([left("two", question="drift")], "pass"),
        ([left("", question="capability")], "pass"),
        ([], "pass"),
    ],
)
def test_a_capability_is_not_passed_without_the_retention_of_each_of_its_benchmarks(missing, verdict):
    whole = pool([kept(-0.01, 0.01)], policy=POLICY)
    found = partial.of_capability(whole, missing)
    assert found.verdict == verdict
    if verdict == "inconclusive":
        assert found.reason == f"partial, left out: toy on two (retention); of what was asked: {whole.reason}"
    else:
        assert found == whole
