"""Checks without a comparison: missing baselines and broken cells."""

from __future__ import annotations

from pytest_unicomp.compare import (
    broken,
    missing_baseline,
    recipe_verdict,
)
from tests.compare.toy_checks import POLICY, WHERE, WHO
from tests.toys import measurement


def test_a_missing_baseline_fails_once_and_says_where_it_went():
    current = measurement([1.0, 0.0])
    written = missing_baseline(current, **WHO, policy=POLICY, written="baselines/nano/toy/toy.json")
    assert written.verdict == "fail"
    assert "baselines/nano/toy/toy.json" in written.reason
    assert missing_baseline(current, **WHO, policy=POLICY).verdict == "not_comparable"


def test_a_broken_cell_is_an_error_that_carries_its_message():
    check = broken(
        **WHO, **WHERE, benchmark="toy", question="retention", metric="acc", higher_is_better=True, policy=POLICY, message="out of memory"
    )
    assert (check.verdict, check.reason, check.interval) == ("error", "out of memory", None)
    assert recipe_verdict([check], policy=POLICY)[0] == "error"


def test_a_missing_baseline_carries_what_was_measured():
    current = measurement([1.0, 0.0])
    check = missing_baseline(current, **WHO, policy=POLICY)
    assert (check.question, check.n, check.family, check.gates) == ("drift", 2, "pruning", True)
    assert (check.candidate.value, check.candidate.stderr) == (0.5, 0.01)
    assert (check.margin, check.chance, check.seconds) == (0.02, 0.0, 1.0)
    assert check.reason == "not comparable: no baseline, and none was written; --unicomp-update=missing writes one"


def test_evidence_that_cannot_be_a_baseline_is_not_written_and_the_reason_is_given():
    check = missing_baseline(measurement([1.0, 0.0]), **WHO, policy=POLICY, refusal="it is at chance")
    assert check.verdict == "not_comparable"
    assert check.reason == "not comparable: no baseline, and none was written: it is at chance"


def test_a_broken_cell_keeps_its_family():
    check = broken(
        **WHO, **WHERE, benchmark="toy", question="retention", metric="acc", higher_is_better=True, policy=POLICY, message="out of memory"
    )
    assert (check.family, check.margin, check.confidence) == ("pruning", None, 0.9)
