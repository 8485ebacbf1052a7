"""Scores without a bound: the size that a difference may have, and the room for a long tail."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.unbounded import hidden_variance, largest_difference, skewness, tailed_factors


def test_if_all_items_differ_the_size_is_the_largest_difference():
    assert largest_difference([1.0, 2.0, 3.0], [1.5, 1.0, 3.25]) == 1.0


def test_items_that_stay_the_same_move_the_size_towards_the_range_with_zero():
    # Three of four the same: three quarters of 0 to 100 and a quarter of the difference seen.
    assert largest_difference([100.0, 50.0, 100.0, 100.0], [100.0, 50.0, 100.0, 96.0]) == 0.75 * 100 + 0.25 * 4
    assert largest_difference([-40.0, -20.0], [-40.0, -20.0]) == 40.0
    assert largest_difference([-40.0, 20.0], [-40.0, 20.0]) == 60.0


def test_scores_that_are_all_zero_show_no_size():
    with pytest.raises(UnicompError, match=r"^unicomp: all scores are 0 and unbounded, .*; evaluate items that score\.$"):
        largest_difference([0.0, 0.0], [0.0, 0.0])


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30).filter(lambda values: np.std(values) > 1e-3))
def test_skewness_is_scipys(values):
    assert float(skewness(values)) == pytest.approx(float(scipy_stats.skew(values)), abs=1e-6, rel=1e-6)


@pytest.mark.parametrize("value", [0.0, 4.086, 408.6, 1e-300, 1e12 / 3])
def test_equal_values_have_no_skewness_whatever_rounding_leaves(value):
    assert float(skewness([value] * 3)) == 0.0
    assert [float(one) for one in skewness([[value] * 3, [0.0, 0.0, 1.0]])] == pytest.approx([0.0, 2**-0.5])


def test_tiny_values_keep_their_skewness():
    assert float(skewness([0.0, 0.0, 1e-200])) == pytest.approx(2**-0.5)


def test_only_the_side_of_the_long_tail_gets_more_room():
    t = float(scipy_stats.t.ppf(0.95, 9))
    for skew in (-1.5, 0.0, 1.5):
        lower, upper = tailed_factors(9, skew, 16, items=30, alpha=0.05)
        # Johnson's correction, four times.
        room = 4 * abs(skew) * (1 + 2 * t * t) / 6 / 4
        assert float(lower) == pytest.approx(t + (room if skew < 0 else 0.0))
        assert float(upper) == pytest.approx(t + (room if skew > 0 else 0.0))


def test_few_items_are_taken_to_have_a_long_tail_on_both_sides():
    t = float(scipy_stats.t.ppf(0.95, 9))
    # Half of thirty: half of the skewness assumed for none.
    room = 4 * 1.0 * (1 + 2 * t * t) / 6 / 4
    lower, upper = tailed_factors(9, 0.0, 16, items=15, alpha=0.05)
    assert (float(lower), float(upper)) == pytest.approx((t + room, t + room))
    skewed = tailed_factors(9, 3.0, 16, items=15, alpha=0.05)
    assert (float(skewed[0]), float(skewed[1])) == pytest.approx((t + room, t + 3 * room))
    assert float(tailed_factors(9, 0.0, 16, items=300, alpha=0.05)[0]) == pytest.approx(t)


def test_what_no_item_showed_may_still_be_there_by_the_rule_of_three():
    # The one-sided bound at alpha lies normal quantiles of its root away: log(1 / alpha) / n of the size.
    for n, size, alpha in ((100, 1.0, 0.05), (30, 8.0, 0.01)):
        bound = float(scipy_stats.norm.ppf(1 - alpha)) * hidden_variance(n, size, alpha=alpha) ** 0.5
        assert bound == pytest.approx(log(1 / alpha) / n * size)
