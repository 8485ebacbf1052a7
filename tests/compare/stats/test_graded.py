"""Partial credit: one path with right-or-wrong items, so that nothing jumps when an item's score lies between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.graded import corners, decide_one, effective, flip_size, score_interval, score_tail

ALPHA = 0.05
flips = st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=4, max_size=60)
graded = st.lists(st.floats(-1, 1), min_size=2, max_size=40)


def compared(differences, clusters=None, *, scale=1.0, bounded=True, margin=0.05):
    before = [scale * max(-value, 0.0) for value in differences]
    after = [old + scale * value for old, value in zip(before, differences, strict=True)]
    return stats.paired_difference(before, after, clusters, alpha=ALPHA, margin=scale * margin, bounded=bounded)


def ends(found):
    return pytest.approx((found.lower, found.upper))


@settings(max_examples=30, deadline=None)
@given(flips, st.sampled_from([None, 2, 3]))
def test_an_unchanged_item_scored_in_between_changes_nothing(differences, groups):
    clusters = None if groups is None else [place % groups for place in range(len(differences) + 1)]
    whole = stats.paired_difference(*sides([*differences, 0.0], 1.0), clusters, alpha=ALPHA, margin=0.05)
    half = stats.paired_difference(*sides([*differences, 0.0], 0.5), clusters, alpha=ALPHA, margin=0.05)
    assert (half.lower, half.upper) == (whole.lower, whole.upper)


def sides(differences, last):
    before = [max(-value, 0.0) for value in differences[:-1]]
    return [*before, last], [*(old + value for old, value in zip(before, differences[:-1], strict=True)), last]


@settings(max_examples=25, deadline=None)
@given(flips, st.floats(-0.99, 0.99), st.sampled_from([None, 2, 3]))
def test_one_item_moves_the_ends_no_more_than_its_score(differences, value, groups):
    clusters = None if groups is None else [place % groups for place in range(len(differences) + 1)]
    one, other = (compared([*differences, value + step], clusters) for step in (0.0, 1e-4))
    assert abs(one.lower - other.lower) < 0.02
    assert abs(one.upper - other.upper) < 0.02


@settings(max_examples=25, deadline=None)
@given(flips, st.floats(0.1, 1000))
def test_scores_on_another_scale_are_never_decided_more_easily(differences, scale):
    rate, scaled = compared([*differences, -1.0]), compared([*differences, -1.0], scale=scale, bounded=False)
    assert scaled.lower <= scale * rate.lower + 1e-6 * scale
    assert scaled.upper >= scale * rate.upper - 1e-6 * scale


def test_two_items_at_the_top_of_any_scale_prove_nothing():
    found = stats.paired_difference([100.0, 100.0], [100.0, 100.0], alpha=ALPHA, margin=3.0, bounded=False)
    assert found.lower < -50
    assert found.upper > 50


def test_a_share_of_scores_up_to_100_is_no_easier_to_keep_than_of_rates():
    before = [1.0] * 24 + [0.0] * 6
    allowances = [0.05 * score for score in before]
    rate = stats.paired_difference(before, before, alpha=ALPHA, allowances=allowances)
    points = [100 * score for score in before]
    found = stats.paired_difference(points, points, alpha=ALPHA, allowances=[100 * share for share in allowances], bounded=False)
    assert rate.lower <= -rate.margin
    assert found.lower <= -found.margin


@settings(max_examples=25, deadline=None)
@given(graded)
def test_partial_credit_has_a_finite_interval_around_the_estimate(differences):
    found = compared(differences)
    assert -1 <= found.lower <= found.difference <= found.upper <= 1
    assert found.upper > found.lower


def test_small_differences_everywhere_are_surer_than_as_many_points_in_whole_flips():
    random = np.random.default_rng(4)
    small = random.uniform(-0.2, 0.2, size=400)
    whole = np.where(random.random(400) < 0.1, random.choice([-1.0, 1.0], size=400), 0.0)
    assert compared(small.tolist()).stderr < 0.7 * compared(whole.tolist()).stderr


def test_clusters_that_cannot_decide_are_named():
    found = stats.paired_difference([1.0] * 50, [1.0] * 50, [place % 5 for place in range(50)], alpha=ALPHA, margin=0.03)
    assert "too few clusters to decide" in found.method
    assert found.lower < -0.03


def test_the_size_of_a_flip_is_that_of_the_differences_with_three_whole_ones_added():
    assert float(flip_size(12.0, 12.0)) == 1.0
    assert float(flip_size(0.0, 0.0)) == 1.0
    # 20 differences of a half: sum 10, squares 5.
    assert float(flip_size(10.0, 5.0)) == pytest.approx(8 / 13)
    assert [float(one) for one in flip_size(np.array([10.0, 4.0]), np.array([5.0, 4.0]))] == pytest.approx([8 / 13, 1.0])
    # Rounding of a sum makes no partial credit of whole flips.
    assert float(flip_size(12.0, 12.0 - 1e-12)) == 1.0


def test_counts_are_brought_to_whole_items_at_the_same_rates():
    assert effective(3.0, 1.0, 40.0) == (3.0, 1.0, 40)
    lost, gained, n = effective(3.0, 1.5, 40.6)
    assert (lost, gained, n) == (pytest.approx(3 * 40 / 40.6), pytest.approx(1.5 * 40 / 40.6), 40)
    assert effective(0.2, 0.0, 0.5) == (pytest.approx(0.4), 0.0, 1)
    assert effective(3.0, 1.0, 40 - 1e-12)[2] == 40


def test_fractional_counts_lie_between_whole_ones_with_weights_that_give_them_back():
    found = corners(2.25, 0.5, 30)
    assert sum(weight for weight, _ in found) == pytest.approx(1)
    assert sum(weight * lost for weight, (lost, _) in found) == pytest.approx(2.25)
    assert sum(weight * gained for weight, (_, gained) in found) == pytest.approx(0.5)
    assert {counts for _, counts in found} == {(2, 0), (2, 1), (3, 0), (3, 1)}
    assert corners(2.0, 1.0, 30) == [(1.0, (2, 1))]
    # No corner has more flips than items.
    assert max(lost + gained for _, (lost, gained) in corners(2.5, 1.5, 4)) <= 4


@pytest.mark.parametrize(("lost", "gained", "n"), [(3, 1, 40), (0, 0, 40), (60, 40, 300), (60, 41, 300)])
def test_whole_counts_have_the_exact_interval_up_to_a_hundred_flips_and_tangos_beyond(lost, gained, n):
    exact = lost + gained <= 100
    expected = (stats.exact_interval if exact else stats.tango_interval)(lost, gained, n, confidence=0.9)
    assert score_interval(lost, gained, n, alpha=ALPHA) == pytest.approx(expected)
    tail = score_tail(lost, gained, n, 0.05)
    if exact:
        assert tail == pytest.approx(stats.exact_tail(lost, gained, n, 0.05))
    else:
        assert tail == pytest.approx(scipy_stats.norm.cdf(stats.tango_statistic(lost, gained, n, -0.05)))


def test_between_whole_counts_interval_and_tail_are_interpolated():
    (low, _), (high, _) = (score_interval(lost, 1, 50, alpha=ALPHA) for lost in (3, 4))
    assert score_interval(3.25, 1, 50, alpha=ALPHA)[0] == pytest.approx(0.75 * low + 0.25 * high)
    tails = [score_tail(lost, 1, 50, 0.05) for lost in (3, 4)]
    assert score_tail(3.25, 1, 50, 0.05) == pytest.approx(0.75 * tails[0] + 0.25 * tails[1])


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 70), st.floats(0, 60), st.integers(131, 400), st.sampled_from([0.01, 0.05, 0.2, 0.6]))
def test_the_decision_of_one_is_that_of_its_interval(lost, gained, n, margin):
    lower, upper = score_interval(lost, gained, n, alpha=ALPHA)
    passes, fails = decide_one(lost, gained, n, margin=margin, alpha=ALPHA)
    # Ends at the margin itself are found by search, so they may fall on either side.
    if abs(lower + margin) > 1e-6:
        assert passes == (lower > -margin)
    if abs(upper + margin) > 1e-6:
        assert fails == (upper < -margin)


def test_a_margin_of_everything_passes_unless_all_may_be_lost():
    assert decide_one(5, 0, 10, margin=1.0, alpha=ALPHA) == (True, False)
    assert decide_one(10, 0, 10, margin=1.0, alpha=ALPHA) == (False, False)
    assert decide_one(10, 0, 10, margin=1.5, alpha=ALPHA) == (True, False)
    assert decide_one(150, 0, 150, margin=1.0, alpha=ALPHA)[1] is False
