"""Paired differences: what holds for every evaluation, whatever its scores."""

from __future__ import annotations

from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.compare import stats

binary = st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))


graded = st.tuples(st.floats(0, 1), st.floats(0, 1))


margins = st.floats(0.001, 0.5)


grouped = st.lists(st.tuples(binary, st.integers(0, 5)), min_size=2, max_size=60).filter(lambda rows: len({row[1] for row in rows}) > 1)


evaluations = st.one_of(st.lists(binary, min_size=1, max_size=80), st.lists(graded, min_size=1, max_size=40))


def compared(pairs, *, margin=0.05, clusters=None, alpha=0.05):
    before, after = zip(*pairs, strict=True)
    return stats.paired_difference(list(before), list(after), clusters, alpha=alpha, margin=margin)


def rounded(*values):
    return [round(value, 9) for value in values]


@settings(max_examples=60, deadline=None)
@given(evaluations, margins)
def test_the_interval_holds_the_estimate_is_finite_and_agrees_with_the_p_value(pairs, margin):
    found = compared(pairs, margin=margin)
    assert -1 <= found.lower <= found.difference <= found.upper <= 1
    assert found.upper > found.lower
    assert isfinite(found.stderr)
    assert 0 <= found.p_value <= 1
    assert (found.p_value <= 0.05) == (found.upper < -margin)


@settings(max_examples=40, deadline=None)
@given(evaluations)
def test_swapping_the_arms_mirrors_the_interval(pairs):
    one, other = compared(pairs), compared([(after, before) for before, after in pairs])
    assert rounded(one.difference, one.lower, one.upper) == rounded(-other.difference, -other.upper, -other.lower)


@settings(max_examples=40, deadline=None)
@given(st.lists(binary, min_size=1, max_size=60), st.randoms())
def test_the_order_of_items_is_irrelevant(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert compared(pairs) == compared(shuffled)


@settings(max_examples=40, deadline=None)
@given(evaluations, margins, margins)
def test_a_wider_margin_never_makes_a_loss_more_certain(pairs, one, other):
    narrow, wide = (compared(pairs, margin=margin) for margin in sorted((one, other)))
    assert (narrow.lower, narrow.upper) == (wide.lower, wide.upper)
    # A discrete tail is monotone up to one outcome's probability.
    assert wide.p_value >= narrow.p_value - 0.05
    assert not (wide.upper < -max(one, other) and not narrow.upper < -min(one, other))


@settings(max_examples=40, deadline=None)
@given(evaluations)
def test_nothing_is_worse_than_itself(pairs):
    same = compared([(before, before) for before, _ in pairs])
    assert same.difference == 0
    assert same.lower < 0 < same.upper
    assert same.p_value > 0.05


@settings(max_examples=40, deadline=None)
@given(grouped)
def test_clusters_never_make_the_interval_narrower(rows):
    pairs, clusters = [row[0] for row in rows], [row[1] for row in rows]
    together, alone = compared(pairs, clusters=clusters), compared(pairs)
    assert together.lower <= alone.lower
    assert together.upper >= alone.upper
    assert together.lower >= -1
    assert together.upper <= 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-5, 5).map(lambda value: round(value, 3)), min_size=2, max_size=40).filter(any), st.sampled_from([0.01, 3.0, 100.0])
)
def test_unbounded_scores_scale_their_interval_with_them(values, factor):
    base = stats.paired_difference([0.0] * len(values), values, alpha=0.05, margin=0.05, bounded=False)
    scaled = [factor * value for value in values]
    found = stats.paired_difference([0.0] * len(values), scaled, alpha=0.05, margin=0.05 * factor, bounded=False)
    assert (found.lower, found.upper) == pytest.approx((factor * base.lower, factor * base.upper), rel=1e-5, abs=1e-9)
    assert found.p_value == pytest.approx(base.p_value, abs=1e-6)


def test_a_clustered_loss_is_less_certain_than_an_independent_one():
    before = [1.0] * 1000
    clusters = [place % 40 for place in range(1000)]
    lost = [cluster % 4 == 0 and place < 840 for place, cluster in enumerate(clusters)]
    after = [0.0 if gone else 1.0 for gone in lost]
    alone = stats.paired_difference(before, after, alpha=0.05, margin=0.02)
    together = stats.paired_difference(before, after, clusters, alpha=0.05, margin=0.02)
    assert together.upper < -0.02
    assert alone.p_value < together.p_value / 100
    assert together.p_value <= 0.05


@pytest.mark.parametrize(("clusters", "few"), [(5, True), (400, False)])
def test_unbounded_scores_say_if_their_clusters_are_too_few(clusters, few):
    scores = [100.0] * 1200
    names = [place % clusters for place in range(1200)]
    found = stats.paired_difference(scores, [99.0, *scores[1:]], names, alpha=0.05, margin=3.0, bounded=False)
    assert ("too few clusters to decide" in found.method) == few
    assert (found.lower > -3.0) != few
