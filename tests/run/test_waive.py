"""Waivers excuse what they name, on the evidence they name, until their last day, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pytest_unicomp.api.records import Reply
from pytest_unicomp.compare import Policy, pool, recipe_verdict
from pytest_unicomp.config.waivers import Waiver
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.waive import Waiving
from tests.toys import measurement

TODAY = date(2026, 5, 1)
CELL = Cell("rtn", "quantization", True, "toy", "items", "performance", "knowledge", 0)
GOOD, BAD = [1.0] * 900 + [0.0] * 100, [1.0] * 700 + [0.0] * 300


def retained(reference, candidate, policy=None):
    return Checker(policy or Policy()).check(CELL, "retention", Pair(reference, candidate))


def lost():
    return retained(measurement(GOOD), measurement(BAD, artifact="b"))


def waiver(check=None, **fields):
    words = {"recipe": "rtn", "owner": "Ada", "reason": "known", "expires": TODAY, "evidence": (check or lost()).evidence}
    return Waiver(**{**words, **({} if "capability" in fields else {"benchmark": "toy"}), **fields})


def waiving(*given):
    return Waiving(given, TODAY, Policy())


def test_a_waived_failure_is_set_aside_and_said():
    check = waiving(waiver()).excused(lost())
    assert (check.verdict, check.waived) == ("fail", True)
    pooled = pool([check], policy=Policy())
    assert (pooled.verdict, pooled.waived, pooled.set_aside) == ("fail", True, ["toy"])
    verdict, reason, _ = recipe_verdict([check], policy=Policy())
    assert verdict == "pass"
    assert reason == "kept: nothing; waived: toy retention"


def test_what_is_left_must_pass_by_itself():
    other = retained(measurement(GOOD[::-1]), measurement(BAD[::-1], artifact="b")).model_copy(update={"benchmark": "second"})
    verdict, reason, _ = recipe_verdict([waiving(waiver()).excused(lost()), other], policy=Policy())
    assert verdict == "fail"
    assert "second" in reason


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"expires": TODAY}, "applied"),
        ({"expires": TODAY - timedelta(days=1)}, "expired"),
        ({"evidence": "0" * 16}, "other_evidence"),
        ({"benchmark": "another"}, "not_met"),
        ({"question": "drift"}, "not_met"),
    ],
)
def test_the_last_day_counts_and_other_evidence_is_not_excused(fields, state):
    found = waiving(waiver(**fields))
    assert found.excused(lost()).waived is (state == "applied")
    assert [entry.state for entry in found.states([lost()])] == [state]


def test_a_waiver_of_what_passes_is_not_needed():
    kept = retained(measurement(GOOD), measurement(GOOD, artifact="b"))
    found = waiving(waiver(kept))
    assert found.excused(kept).waived is False
    assert found.states([kept])[0].state == "not_needed"


def test_one_item_more_wrong_is_other_evidence_and_another_wording_is_not():
    worse = retained(measurement(GOOD), measurement([1.0] * 699 + [0.0] * 301, artifact="b"))
    assert worse.evidence != lost().evidence
    candidate = measurement(BAD, artifact="b")
    reworded = candidate.model_copy(update={"items": [item.model_copy(update={"answer": "other words"}) for item in candidate.items]})
    assert retained(measurement(GOOD), reworded).evidence == lost().evidence
    stricter = retained(measurement(GOOD), candidate, Policy(benchmark_margin=0.01))
    assert stricter.evidence == lost().evidence, "a waiver excuses evidence, not a policy"


def test_a_capability_is_waived_with_all_its_checks_and_only_as_a_whole():
    second = retained(measurement(GOOD[::-1]), measurement(BAD[::-1], artifact="b")).model_copy(update={"benchmark": "second"})
    whole = pool([lost(), second], policy=Policy()).evidence
    found = waiving(waiver(capability="knowledge", evidence=whole))
    assert found.by_capability(second)
    checks = [found.excused(check, [second, lost()]) for check in (lost(), second)]
    assert [check.waived for check in checks] == [True, True]
    assert recipe_verdict(checks, policy=Policy())[0] == "pass"
    assert found.states(checks)[0].state == "applied"
    assert found.excused(lost(), [lost()]).waived is False


def test_a_capability_of_one_benchmark_goes_by_the_same_hash_as_its_check():
    check = lost()
    assert pool([check], policy=Policy()).evidence == check.evidence
    found = waiving(waiver(capability="knowledge", evidence=check.evidence))
    assert found.excused(check, [check]).waived


def test_a_missing_measurement_cannot_be_waived():
    broken = lost().model_copy(update={"verdict": "error", "evidence": None})
    assert waiving(waiver(benchmark="toy", evidence="0" * 16)).excused(broken).waived is False


def test_a_waiver_of_looping_replies_does_not_excuse_more_of_them():
    def replied(loops):
        made = measurement(GOOD, artifact="b" if loops else "a")
        items = [
            one.model_copy(update={"replies": [Reply(answer="4", score=one.score, looping=place < loops)]})
            for place, one in enumerate(made.items)
        ]
        return made.model_copy(update={"items": items})

    reviewed, worse = retained(replied(0), replied(200)), retained(replied(0), replied(201))
    found = waiving(waiver(reviewed))
    assert found.excused(reviewed).waived
    assert not found.excused(worse).waived
    assert found.states([worse])[0].state == "other_evidence"


@pytest.mark.parametrize("loops", [False, True])
def test_kept_scores_with_replies_that_loop_can_be_excused(loops):
    sides = [measurement(GOOD), measurement(GOOD, artifact="b")]
    replied = [
        side.model_copy(
            update={
                "items": [one.model_copy(update={"replies": [Reply(answer="4", score=one.score, looping=looping)]}) for one in side.items]
            }
        )
        for side, looping in zip(sides, (False, loops), strict=True)
    ]
    check = retained(*replied)
    assert check.verdict == "pass"
    assert waiving(waiver(check)).states([check])[0].state == ("applied" if loops else "not_needed")
    assert waiving(waiver(check)).excused(check).waived is loops
