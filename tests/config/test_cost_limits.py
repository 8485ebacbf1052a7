"""Limits as people write them, and what they decide: ratios, absolute bounds and percentiles, each on an interval."""

import math
import random

import pytest

from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.absolute_limit import within_limit, worst_of
from pytest_unicomp.config.cost_limits import Limit, read, sentences, validate


def where(*keys):
    return ".".join(map(str, keys))


@pytest.mark.parametrize("written", [0.35, "0.35", "0.35x", "0.35 x", "<= 0.35x", "<= 0.35 x reference", "0.35 x reference"])
def test_a_ratio_may_be_written_as_people_say_it(written):
    [found] = read("bytes", written)
    assert (found.ratio, found.most, found.percentile) == (0.35, None, None)


@pytest.mark.parametrize(
    ("written", "most", "unit", "percentile", "per_token"),
    [
        ("<= 600 s", 600, "seconds", None, False),
        ("10 min", 600, "seconds", None, False),
        ("<= 8 GB", 8e9, "bytes", None, False),
        ("8GiB", 8 * 2**30, "bytes", None, False),
        ("p95 <= 40 ms", 0.040, "seconds", 95, False),
        ("p99 <= 2.5e1 us per token", 25e-6, "seconds", 99, True),
        ("<= 2 kJ", 2000, "joules", None, False),
        ("<= 1.9 TFLOP", 1.9e12, "flops", None, False),
    ],
)
def test_a_limit_by_itself_has_a_unit(written, most, unit, percentile, per_token):
    [found] = read("x", written)
    assert found == Limit(written, None, pytest.approx(most), unit, percentile, per_token)


@pytest.mark.parametrize(
    "wrong", ["small", -1, 0, True, "0", "nan", "1.2.3 s", "40 parsecs", "p95 <= 0.5x", "p100 <= 1 s", "p99.9 <= 1 s", None]
)
def test_what_cannot_be_read_is_refused_with_what_was_expected(wrong):
    with pytest.raises(UsageProblem, match=r"limits\.bytes is .*; expected"):
        read("bytes", wrong)


def test_a_unit_that_is_nearly_right_is_answered_with_the_nearest():
    with pytest.raises(UsageProblem, match="Did you mean 'GB'"):
        read("bytes", "8 Gb")


def test_sentences_are_sorted_by_the_name_that_they_begin_with():
    found = sentences(["bytes <= 0.35 x reference", "decode-latency <= 0.8x", "decode-latency p95 <= 40 ms"], "limits")
    assert found == {"bytes": ["<= 0.35 x reference"], "decode-latency": ["<= 0.8x", "p95 <= 40 ms"]}
    assert [limit.percentile for limit in read("decode-latency", found["decode-latency"])] == [None, 95]
    with pytest.raises(UsageProblem, match="expected sentences such as"):
        sentences(["bytes"], "limits")


MEASURED = {"bytes": ("size", "bytes"), "decode-latency": ("latency", "seconds"), "compress-seconds": ("cost", "seconds")}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"bytes": "<= 5 s"}, "in seconds; bytes is measured in bytes; units: B, kB"),
        ({"bytes": "p95 <= 5 s"}, "expected no percentile and no 'per token'"),
        ({"compress-seconds": "0.5x"}, "expected a number with a unit, since the reference was not compressed"),
        ({"decode": "0.5x"}, "does not measure decode of a recipe. Did you mean 'decode-latency'"),
        ({"decode-latency": ["0.5x", "<= 5 J"]}, "limits.decode-latency.1 is '<= 5 J', in joules"),
    ],
)
def test_a_limit_that_does_not_fit_its_benchmark_is_refused(given, words):
    with pytest.raises(UsageProblem) as refused:
        validate(given, MEASURED, locate=where)
    assert words in str(refused.value)


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


def test_the_interval_of_a_quantile_covers_it_as_often_as_it_says():
    draw, covered = random.Random(0), 0
    # The 95th percentile of an exponential distribution is known.
    truth = -math.log(0.05)
    for _ in range(400):
        low, high = stats.quantile_interval([draw.expovariate(1) for _ in range(200)], 0.95, confidence=0.9)
        covered += low <= truth <= high
    assert 0.9 <= covered / 400 <= 1


def test_a_high_quantile_of_few_values_has_no_upper_bound_and_one_outside_its_range_is_refused():
    assert stats.quantile_interval([1.0, 2.0], 0.95, confidence=0.9) == (1.0, None)
    with pytest.raises(UnicompError, match="quantile of 1"):
        stats.quantile_interval([1.0], 1.0, confidence=0.9)


def test_several_limits_are_all_to_be_kept():
    assert worst_of([("pass", "a"), ("inconclusive", "b")]) == ("inconclusive", "a; b")
    assert worst_of([("inconclusive", "a"), ("fail", "b"), ("pass", "c")]) == ("fail", "a; b; c")
