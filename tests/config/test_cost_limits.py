"""Limits as people write them, and what they decide: ratios, absolute bounds and percentiles, each on an interval."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config.cost_limits import Limit, read, sentences, validate


def where(*keys):
    return ".".join(map(str, keys))


MEASURED = {"bytes": ("size", "bytes"), "decode-latency": ("latency", "seconds"), "compress-seconds": ("cost", "seconds")}


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
