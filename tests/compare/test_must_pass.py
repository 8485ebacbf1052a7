"""Items that must be right: each of them, whatever the mean says."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import Policy, recipe_verdict, retention
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import Cell
from tests.toys import measurement

CELL = Cell("rtn", "quantization", True, "toy", "items", "performance", "knowledge", 0)
SCORES = [1.0] * 900 + [0.0] * 100


def asked(patterns, after, before=None):
    pair = Pair(measurement(before or SCORES), measurement(after, artifact="b"))
    return Checker(Policy(), must_pass_items={"toy": patterns}).check(CELL, "must_pass", pair)


IDS = [item.id for item in measurement(SCORES).items]


@pytest.mark.parametrize(
    ("patterns", "verdict", "words"),
    [
        ([IDS[0], IDS[5]], "pass", "all 2 must-pass items are right"),
        ([IDS[0], IDS[950]], "fail", f"1 of 2 must-pass items are wrong: {IDS[950]}; the reference answers 1 of them wrong too"),
        (["*"], "fail", "100 of 1000 must-pass items are wrong"),
        ([IDS[0], "nowhere*"], "inconclusive", "no item matches nowhere*"),
    ],
)
def test_every_named_item_is_asked_for(patterns, verdict, words):
    check = asked(patterns, SCORES)
    assert (check.verdict, check.question) == (verdict, "must_pass")
    assert words in check.reason


def test_an_item_that_could_not_be_scored_is_no_pass():
    assert asked([IDS[0]], [None, *SCORES[1:]]).verdict == "inconclusive"


def test_one_wrong_item_fails_a_recipe_that_keeps_everything_else():
    after = [0.0, *SCORES[1:]]
    kept = retention(
        measurement(SCORES),
        measurement(after, artifact="b"),
        recipe="rtn",
        family="quantization",
        gates=True,
        policy=Policy(),
        identical=False,
    )
    assert kept.verdict == "pass"
    verdict, reason, _ = recipe_verdict([kept, asked([IDS[0]], after)], policy=Policy())
    assert verdict == "fail"
    assert f"toy must-pass: 1 of 1 must-pass items are wrong: {IDS[0]}" in reason
    assert recipe_verdict([kept, asked(["nowhere"], after)], policy=Policy())[0] == "inconclusive"


def test_the_answers_are_shown_for_what_is_wrong():
    (example,) = asked([IDS[0]], [0.0, *SCORES[1:]]).examples
    assert (example.id, example.kind) == (IDS[0], "lost")


def test_what_was_wrong_is_counted_for_both_sides_and_named_up_to_five():
    check = asked(["*"], [0.0] * 7 + [1.0] * 3, [0.0, 0.0, 0.0] + [1.0] * 7)
    assert (check.n, check.reference.value, check.candidate.value, check.margin) == (10, 3.0, 7.0, 0.0)
    assert (check.metric, check.higher_is_better, check.family) == ("wrong_items", False, "quantization")
    assert check.reason == (
        "7 of 10 must-pass items are wrong: toy/0, toy/1, toy/2, toy/3, toy/4 and 2 more; the reference answers 3 of them wrong too"
    )
    assert [example.kind for example in check.examples] == ["changed"] * 3 + ["lost"] * 4
    assert asked(["toy/0"], [0.0], [1.0]).reason == "1 of 1 must-pass items are wrong: toy/0"
    five = asked(["*"], [0.0] * 5, [1.0] * 5)
    assert five.reason == "5 of 5 must-pass items are wrong: toy/0, toy/1, toy/2, toy/3, toy/4"


def test_of_a_metric_that_is_better_low_zero_is_right():
    low = [
        measurement(scores, artifact=mark).model_copy(update={"higher_is_better": False})
        for scores, mark in (([0.0, 0.0], "a"), ([0.0, 1.0], "b"))
    ]
    check = Checker(Policy(), must_pass_items={"toy": ["*"]}).check(CELL, "must_pass", Pair(*low))
    assert (check.verdict, check.candidate.value, check.reference.value) == ("fail", 1.0, 0.0)
    assert check.reason == "1 of 2 must-pass items are wrong: toy/1"


def test_an_item_that_only_the_candidate_has_is_judged_and_shown_without_the_references_answer():
    reference = measurement([1.0])
    candidate = measurement([1.0, 0.0], artifact="b")
    check = Checker(Policy(), must_pass_items={"toy": ["*"]}).check(CELL, "must_pass", Pair(reference, candidate))
    assert check.verdict == "fail"
    assert check.reason == "1 of 2 must-pass items are wrong: toy/1"
    assert (check.examples[0].reference_answer, check.examples[0].kind) == ("", "changed")
    assert check.reference.value == 0.0


def test_a_measurement_that_could_not_be_made_is_undecided_unless_it_failed():
    def found(scores):
        candidate = measurement(scores, artifact="b").model_copy(update={"unavailable": "the judge was away"})
        return Checker(Policy(), must_pass_items={"toy": ["*"]}).check(CELL, "must_pass", Pair(measurement([1.0, 1.0]), candidate))

    assert (found([1.0, 1.0]).verdict, found([1.0, 1.0]).reason) == ("inconclusive", "the judge was away")
    assert found([1.0, 0.0]).verdict == "fail"


def test_an_example_shows_both_answers_and_the_check_what_it_took():
    reference, candidate = measurement([1.0], answers=["B"]), measurement([0.0], answers=["C"], artifact="b")
    check = Checker(Policy(), must_pass_items={"toy": ["*"]}).check(CELL, "must_pass", Pair(reference, candidate))
    [example] = check.examples
    assert (example.reference_answer, example.candidate_answer, example.prompt) == ("B", "C", "question toy/0")
    assert check.seconds == candidate.seconds
