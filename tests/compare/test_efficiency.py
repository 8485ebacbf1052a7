"""Ratios of timings and of exact sizes."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import (
    Ratio,
    cost,
    sizes,
)
from tests.compare.toy_checks import POLICY, WHERE, WHO
from tests.toys import measurement


def timed(reference, candidate, margin=0.25):
    ratio = Ratio.of(reference, candidate, metric="seconds", confidence=POLICY.confidence)
    return cost(ratio, **WHO, **WHERE, benchmark="prefill-latency", margin=margin)


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        ([1.0, 1.1, 1.05, 1.0], "pass"),
        ([1.9, 2.1, 2.0, 2.2], "fail"),
        ([1.0, 1.7, 0.9, 1.8], "inconclusive"),
        ([0.5, 0.5, 0.5, 0.5], "pass"),
    ],
)
def test_timings_are_judged_by_the_ratio_of_their_pairs(candidate, verdict):
    check = timed([1.0, 1.0, 1.0, 1.02], candidate)
    assert (check.verdict, check.n, check.question) == (verdict, 4, "efficiency")
    assert check.interval[0] <= check.difference <= check.interval[1]
    assert "times the reference's seconds" in check.reason


def test_too_few_rounds_never_pass():
    assert timed([], []).verdict == "inconclusive"
    assert timed([1.0], [0.5]).verdict == "inconclusive"


def test_sizes_are_exact_and_need_no_interval():
    both = [measurement([]).model_copy(update={"value": value, "metric": "bytes"}) for value in (1000.0, 270.0)]
    smaller = cost(sizes(*both, recipe="r", confidence=0.9), **WHO, **WHERE, benchmark="bytes", margin=0.01)
    assert (smaller.verdict, smaller.difference, smaller.interval) == ("pass", pytest.approx(0.73), (pytest.approx(0.73),) * 2)
    assert "0.270 times the reference's bytes (exact)" in smaller.reason
    assert timed(100.0, 126.0).verdict == "fail"
    assert timed(100.0, 124.0).verdict == "pass"
    with pytest.raises(UnicompError, match="has no value"):
        sizes(*[measurement([]).model_copy(update={"value": None})] * 2, recipe="r", confidence=0.9)


def test_one_number_that_is_not_repeatable_has_no_interval_and_is_told_as_such():
    once = Ratio.of(100.0, 90.0, metric="bytes", confidence=0.9, repeatable=False)
    assert (once.interval, once.difference) == (None, pytest.approx(0.1))
    assert str(once) == "0.900 times the reference's bytes (measured once, spread not known)"


def test_a_cost_says_all_that_it_rests_on():
    check = timed([1.0, 1.0, 1.0, 1.02], [1.0, 1.1, 1.05, 1.0])
    assert (check.family, check.metric, check.higher_is_better, check.margin) == ("pruning", "seconds", False, 0.25)
    assert (check.reference.value, check.candidate.value) == (pytest.approx(1.005), pytest.approx(1.0375))
    assert check.seconds == pytest.approx(4.02 + 4.15)
    assert check.reason == (
        "1.032 times the reference's seconds (90 % interval 0.971 to 1.096, 4 paired rounds), within the limit of 1.25 times"
    )
    exact = timed(100.0, 126.0)
    assert (exact.seconds, exact.reason) == (0.0, "1.260 times the reference's seconds (exact), above the limit of 1.25 times")
    assert timed([1.0, 1.0, 1.0, 1.02], [1.0, 1.7, 0.9, 1.8]).reason.endswith(
        "on both sides of the limit of 1.25 times; more rounds would decide"
    )
    assert timed([1.0], [0.5]).reason == "undecided: 1 paired round timed, at least 2 are needed"
    assert timed([], []).reason == "undecided: 0 paired rounds timed, at least 2 are needed"


def test_two_rounds_are_enough_to_judge_and_what_is_allowed_exactly_is_within():
    assert timed([1.0, 1.0], [0.9, 0.9]).verdict == "pass"
    assert timed(100.0, 125.0).verdict == "pass"
    assert timed(0.5, 0.25).difference == 0.5


def test_a_timed_ratio_is_never_passed_by_its_estimate_alone():
    assert timed([1.0, 1.0, 1.0, 1.0], [0.7, 1.3, 0.7, 1.3]).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("reference", "candidate"),
    [(0.0, 1.0), (1.0, 0.0), (float("inf"), 1.0), (1.0, float("inf")), (-1.0, 1.0), (1.0, -1.0), (1.0, [1.0, 1.0])],
)
def test_numbers_that_have_no_ratio_are_refused(reference, candidate):
    with pytest.raises(UnicompError):
        Ratio.of(reference, candidate, metric="bytes", confidence=0.9).decide(0.1)
    if isinstance(reference, float) and isinstance(candidate, float):
        with pytest.raises(UnicompError, match=r"found \[.*\] and \[.*\]; expected one positive finite number each"):
            Ratio.of(reference, candidate, metric="bytes", confidence=0.9)


def test_a_size_that_is_not_repeatable_passes_its_spread_on():
    both = [measurement([]).model_copy(update={"value": value, "metric": "bytes"}) for value in (1000.0, 270.0)]
    assert sizes(*both, recipe="r", confidence=0.9, repeatable=False).interval is None


def test_rounds_that_all_take_exactly_the_limit_are_on_both_sides_of_it():
    assert timed([1.0, 1.0], [1.25, 1.25]).verdict == "inconclusive"
