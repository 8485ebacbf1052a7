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
