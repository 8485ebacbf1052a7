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


def test_what_is_shown_names_the_statistic_its_interval_and_the_rounds():
    assert held([0.9, 1.1] * 10, "<= 1.2 s") == (
        "pass",
        "mean 1 seconds (90 % interval 0.960331 to 1.03967, 20 rounds), limit <= 1.2 s",
    )
    values = [0.5] * 50 + [2.0] * 43
    assert held(values, "p50 <= 1 s") == (
        "inconclusive",
        "p50 of seconds (90 % interval 0.5 to 2, 43 of 93 rounds above), limit p50 <= 1 s",
    )
    assert held([0.5] * 3, "p5 <= 0.4 s") == (
        "inconclusive",
        "p5 of seconds (90 % interval unknown to 0.5, 3 of 3 rounds above), limit p5 <= 0.4 s",
    )
    assert held([0.5] * 50, "p95 <= 1 s")[1].startswith("p95 of seconds (90 % interval 0.5 to unknown, 0 of 50")
    assert held([], "<= 1 s") == ("inconclusive", "undecided: no value was measured for the limit <= 1 s")


def test_rounds_that_take_exactly_what_is_allowed_keep_the_limit():
    verdict, reason = held([1.0] * 200, "p50 <= 1 s")
    assert verdict == "pass"
    assert ", 0 of 200 rounds above" in reason
    assert held([1.0] * 20, "<= 1 s")[0] == "pass"


def limited(check, values, limits, **given):
    return by_limits(check, values, read("decode-latency", limits), **given)


def timed_check():
    rounds = Ratio.of([1.0, 1.0, 1.0, 1.02], [1.0, 1.01, 1.0, 1.02], metric="seconds", confidence=POLICY.confidence)
    return cost(rounds, **WHO, **WHERE, benchmark="decode-latency", margin=0.25)


def test_a_limit_per_token_divides_a_round_by_what_it_wrote():
    check = timed_check()
    found = limited(check, [0.9, 1.1] * 10, "<= 40 ms per token", written=32)
    assert (found.verdict, found.margin) == ("pass", None)
    assert found.reason.startswith("mean 0.03125 seconds per token (90 % interval ")
    assert found.reason.endswith("20 rounds), limit <= 40 ms per token")
    assert limited(check, [0.9, 1.1] * 10, "<= 30 ms per token", written=32).verdict == "fail"
    # One token a round unless something else is given, and a limit on the round itself is not divided.
    assert limited(check, [0.9, 1.1] * 10, "<= 40 ms per token").verdict == "fail"
    assert limited(check, [0.9, 1.1] * 10, "<= 2 s", written=32).reason.startswith("mean 1 seconds (")


def test_without_an_absolute_limit_the_check_stays_as_it_is():
    check = timed_check()
    assert limited(check, [1.0, 2.0], "1.5x") is check


def test_a_limit_on_the_ratio_counts_beside_an_absolute_one():
    check = timed_check()
    assert check.verdict == "pass"
    found = limited(check, [1.0] * 20, ["1.25x", "<= 0.5 s"])
    assert (found.verdict, found.margin) == ("fail", 0.25)
    assert found.reason == f"{check.reason}; mean 1 seconds (90 % interval 1 to 1, 20 rounds), limit <= 0.5 s"


def test_a_ratio_that_nothing_decides_is_not_shown():
    lone = Ratio.of([1.0], [1.0], metric="seconds", confidence=0.9)
    assert lone.found is None
    found = limited(timed_check(), [1.0] * 20, "<= 2 s", ratio=lone)
    assert found.reason.endswith("limit <= 2 s")
    assert limited(timed_check(), [1.0] * 20, "<= 2 s").reason == found.reason


def test_a_single_number_is_exact_unless_it_is_known_not_to_repeat():
    assert limited(timed_check(), [1.0], "<= 2 s").reason == "1 seconds (exact), limit <= 2 s"
    once = limited(timed_check(), [1.0], "<= 2 s", repeatable=False)
    assert once.reason == "1 seconds (measured once, spread not known), limit <= 2 s"


def test_a_round_writes_one_token_unless_more_are_given():
    assert limited(timed_check(), [0.9, 1.1] * 10, "<= 700 ms per token").verdict == "fail"
    assert limited(timed_check(), [0.9, 1.1] * 10, "<= 700 ms per token", written=2).verdict == "pass"


def test_a_lower_bound_on_the_limit_itself_is_not_above_it():
    assert held([1.0] * 50 + [2.0] * 50, "p50 <= 1 s")[0] == "inconclusive"
