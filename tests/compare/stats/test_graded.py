"""Partial credit: one path with right-or-wrong items, so that nothing jumps when an item's score lies between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.compare import stats

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
