"""Drift: two-sided equivalence to a baseline, and what makes evidence unfit as one."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import accepted, baseline_refusal, stats
from tests.compare.toy_pairs import POLICY, drifted, rates
from tests.toys import measurement

SCORES = [1.0] * 150 + [0.0] * 50


@pytest.mark.parametrize(
    ("losses", "gains", "n", "verdict", "words"),
    [
        (0, 0, 10, "pass", "identical evidence"),
        (3, 2, 1000, "pass", "as before"),
        (80, 5, 1000, "fail", "worse than the baseline"),
        (5, 80, 1000, "pass", "improved"),
        (20, 4, 1000, "inconclusive", "a drop is detected"),
        (4, 20, 1000, "inconclusive", "undecided"),
    ],
)
def test_drift_is_two_sided_equivalence(losses, gains, n, verdict, words):
    before, after = rates(losses, gains, n)
    check = drifted(measurement(before), measurement(after))
    assert (check.verdict, check.question, check.margin) == (verdict, "drift", 0.02)
    assert words in check.reason


def test_drift_names_what_changed_and_is_not_stopped_by_it():
    current = measurement(SCORES, artifact="b" * 20).model_copy(update={"versions": {"torch": "2.14.0", "new": "1"}, "machine": "other"})
    check = drifted(measurement(SCORES), current)
    assert check.verdict == "pass"
    assert check.changes == [
        "new: absent -> 1",
        "torch: 2.13.0 -> 2.14.0",
        "machine: toy machine -> other",
        "weights: aaaaaaaa -> bbbbbbbbbbbb",
    ]


def test_other_answers_with_the_same_scores_are_not_identical_evidence():
    before = measurement([1.0] * 20, answers=["A"] * 20)
    check = drifted(before, measurement([1.0] * 20, answers=["B"] * 20))
    assert check.verdict == "inconclusive"


def test_a_baseline_at_chance_cannot_show_a_loss():
    guessing = measurement([1.0, 0.0, 0.0, 0.0] * 50).model_copy(update={"chance": 0.25})
    check = drifted(guessing, measurement([0.0, 0.0, 0.0, 1.0] * 50, artifact="b"))
    assert check.verdict == "inconclusive"
    assert "the baseline cannot show a loss: it is at chance" in check.reason


def test_identical_evidence_is_a_difference_of_exactly_nothing():
    check = drifted(measurement(SCORES), measurement(SCORES))
    assert (check.difference, check.interval, check.p_value, check.minimum_detectable_effect) == (0.0, (0.0, 0.0), 1.0, 0.0)
    assert check.reason == "identical evidence: the same scores and answers on all 200 items"
    later = measurement(SCORES).model_copy(update={"machine": "other"})
    assert drifted(measurement(SCORES), later).reason.endswith("on all 200 items; changed since: machine: toy machine -> other")


def test_each_verdict_says_its_numbers_its_limit_and_what_it_rests_on():
    def reason(losses, gains):
        before, after = rates(losses, gains, 1000)
        return drifted(measurement(before), measurement(after)).reason

    assert reason(3, 2).startswith("as before: -0.1 points (90 % interval -0.")
    assert ", within 2.0 points of the baseline; 1000 items, 0.5 % of them scored differently; smallest loss detectable" in reason(3, 2)
    assert ", more than 2.0 points below it; 1000 items, 8.5 % of them" in reason(80, 5)
    assert ", more than 2.0 points above the baseline; accept it with --unicomp-update=changed; 1000 items" in reason(5, 80)
    assert reason(20, 4).startswith("a drop is detected, its size undecided: -1.6 points")
    assert reason(4, 20).startswith("undecided: +1.6 points")
    assert ", on both sides of the 2.0 points allowed; about " in reason(4, 20)


def test_a_baseline_rewritten_on_request_passes_and_keeps_what_it_was():
    before, after = rates(80, 5, 1000)
    lost = drifted(measurement(before), measurement(after))
    found = accepted(lost)
    assert (found.accepted, found.verdict) == (True, "pass")
    assert found.reason == f"baseline rewritten on request; before that: fail: {lost.reason}"
    assert found.difference == lost.difference


def test_what_cannot_get_worse_cannot_be_a_baseline():
    guessing = measurement([1.0, 0.0, 0.0, 0.0] * 50).model_copy(update={"chance": 0.25})
    assert baseline_refusal(guessing, POLICY).startswith("it is at chance: 25.0 %")
    assert baseline_refusal(measurement(SCORES), POLICY) is None
    # Without a score there is nothing to refuse; it is not comparable anyway.
    assert baseline_refusal(measurement([None, None]), POLICY) is None


def test_a_drift_check_carries_its_numbers_and_names_both_runs():
    before, after = rates(20, 4, 1000)
    check = drifted(measurement(before), measurement(after))
    assert check.interval[0] < -0.02 < check.interval[1] < 0
    assert (check.difference, check.margin) == (pytest.approx(-0.016), 0.02)
    assert 0.05 < check.p_value <= 1
    # 4 thousandths from the margin: about ten times the items.
    items = stats.items_to_decide(24.5 / 1001, 0.02, difference=-0.016, alpha=0.05)
    assert f"about {items} items would decide" in check.reason
    shorter = measurement(before[:-1])
    assert drifted(measurement(before), shorter).reason.startswith("not comparable: the current run has 999 items, expected 1000")
    assert drifted(shorter, measurement(before)).reason.startswith("not comparable: 1 item of the current run missing in the baseline")


def test_all_that_changed_since_is_listed():
    later = measurement(SCORES, artifact="b").model_copy(update={"machine": "other"})
    assert drifted(measurement(SCORES), later).reason.endswith("; changed since: machine: toy machine -> other, weights: aaaaaaaa -> b")
