"""Limits of a cost by itself, such as an SLO."""

from __future__ import annotations

from pytest_unicomp.compare import (
    Ratio,
    by_limits,
    cost,
    stats,
)
from pytest_unicomp.compare.absolute_limit import within_limit, worst_of
from pytest_unicomp.config.cost_limits import read
from tests.compare.toy_checks import POLICY, WHERE, WHO


def test_beside_its_own_limit_an_undecided_ratio_is_shown_without_the_limit_that_does_not_hold():
    rounds = Ratio.of([1.0, 1.0, 1.0, 1.02], [1.0, 1.7, 0.9, 1.8], metric="seconds", confidence=POLICY.confidence)
    check = cost(rounds, **WHO, **WHERE, benchmark="prefill-latency", margin=0.25)
    assert check.verdict == "inconclusive"
    limited = by_limits(check, rounds.after, read("prefill-latency", "<= 60 s"), ratio=rounds)
    assert (limited.verdict, limited.margin) == ("pass", None)
    assert limited.reason.endswith(f"limit <= 60 s; {rounds}")


def held(values, written):
    [limit] = read("x", written)
    return within_limit(values, limit, metric="seconds", confidence=0.9)


def test_an_exact_number_is_held_against_its_limit():
    assert held([600.0], "<= 600 s") == ("pass", "600 seconds (exact), limit <= 600 s")
    assert held([600.1], "<= 600 s")[0] == "fail"


def test_a_mean_is_decided_by_its_interval():
    values = [0.9, 1.1] * 10
    assert held(values, "<= 1.2 s")[0] == "pass"
    assert held(values, "<= 0.8 s")[0] == "fail"
    assert held(values, "<= 1.01 s")[0] == "inconclusive"


def test_twelve_good_rounds_prove_no_95th_percentile_and_93_do():
    assert held([0.01] * 12, "p95 <= 40 ms")[0] == "inconclusive"
    assert stats.rounds_for(0.95, confidence=0.9) == 93
    # One round in 93 above the limit is within what may be, three are not.
    assert held([0.01] * 92 + [9.0], "p95 <= 40 ms")[0] == "pass"
    verdict, reason = held([0.01] * 90 + [9.0] * 3, "p95 <= 40 ms")
    assert verdict == "inconclusive"
    assert "3 of 93 rounds above" in reason
    assert held([0.01] * 70 + [9.0] * 23, "p95 <= 40 ms")[0] == "fail"


def test_several_limits_are_all_to_be_kept():
    assert worst_of([("pass", "a"), ("inconclusive", "b")]) == ("inconclusive", "a; b")
    assert worst_of([("inconclusive", "a"), ("fail", "b"), ("pass", "c")]) == ("fail", "a; b; c")
