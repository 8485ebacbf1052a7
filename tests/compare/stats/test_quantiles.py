"""Order-statistic intervals cover a quantile as often as they say."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats


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


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60), st.floats(0.05, 0.95), st.floats(0.5, 0.99))
def test_the_bounds_of_a_quantile_are_values_that_were_measured_in_order(values, quantile, confidence):
    low, high = stats.quantile_interval(values, quantile, confidence=confidence)
    assert {low, high} <= {None, *values}
    assert low is None or high is None or low <= high


@given(st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.sampled_from([0.8, 0.9, 0.95]))
def test_the_rounds_that_a_percentile_needs_are_the_fewest_that_survive_one_outlier(quantile, confidence):
    rounds = stats.rounds_for(quantile, confidence=confidence)
    assert stats.quantile_interval([1.0] * (rounds - 1) + [9.0], quantile, confidence=confidence)[1] == 1.0
    assert rounds == 2 or stats.quantile_interval([1.0] * (rounds - 2) + [9.0], quantile, confidence=confidence)[1] != 1.0


@pytest.mark.parametrize(("quantile", "confidence"), [(0.0, 0.9), (1.0, 0.9), (0.5, 0.0), (0.5, 1.0), (0.5, 1.5), (-0.5, 0.9)])
def test_a_quantile_or_a_confidence_at_or_beyond_its_ends_is_refused(quantile, confidence):
    with pytest.raises(UnicompError, match=r"^unicomp: a quantile of .*; expected both above 0 and below 1\.$"):
        stats.quantile_interval([1.0, 2.0], quantile, confidence=confidence)


def test_bounds_at_exactly_their_probability_are_taken():
    # One value lies above the median with probability one half exactly, so at no confidence beyond 0 is it both bounds; of two, 1 / 4 lie outside each.
    assert stats.quantile_interval([1.0, 2.0], 0.5, confidence=0.5) == (1.0, 2.0)
    assert stats.quantile_interval([1.0, 2.0, 3.0], 0.5, confidence=0.75) == (1.0, 3.0)


def test_the_rounds_are_at_least_two_and_enough_at_exactly_their_probability():
    assert stats.rounds_for(0.05, confidence=0.5) == 2
    # Of four values at most two lie below the median with probability 11 / 16, and the error of each bound is 5 / 16.
    assert stats.rounds_for(0.5, confidence=0.375) == 4
