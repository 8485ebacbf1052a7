"""Drift: two-sided equivalence to a baseline, and what makes evidence unfit as one."""

from __future__ import annotations

import pytest

from tests.compare.toy_pairs import drifted, rates
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
