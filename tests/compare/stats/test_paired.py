"""Paired differences: what holds for every evaluation, whatever its scores."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.paired import agreeing

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
@example([4.086] * 3, 100.0)
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


# Allowances that differ by item: a share of the reference's own score

right = [1.0] * 300 + [0.0] * 100


def shared(before, after, *, share=0.1, clusters=None, alpha=0.05, bounded=True):
    allowances = [share * score for score in before]
    return stats.paired_difference(before, after, clusters, alpha=alpha, allowances=allowances, bounded=bounded)


def test_the_same_allowance_for_all_is_that_margin():
    after = [0.0] * 20 + right[20:]
    given = stats.paired_difference(right, after, alpha=0.05, allowances=[0.03] * 400)
    assert given == stats.paired_difference(right, after, alpha=0.05, margin=0.03)


def test_the_mean_allowance_is_the_margin_and_its_uncertainty_joins_the_interval_as_a_root_of_squares():
    # Losses and gains that are as frequent among what the reference has right as among what it has wrong: no correlation.
    after = [1.0 - score if place % 20 == 0 else score for place, score in enumerate(right)]
    before = [score - 0.0 for score in right]
    found = shared(before, after)
    plain = stats.paired_difference(before, after, alpha=0.05, margin=0.075)
    assert found.margin == pytest.approx(0.1 * 300 / 400)
    assert found.difference == plain.difference == pytest.approx(-10 / 400)
    assert found.method.endswith(", with the reference's share by MOVER")
    differences = [new - old for old, new in zip(before, after, strict=True)]
    together = np.corrcoef(differences, before)[0, 1]
    low, high = (0.1 * end for end in stats.wilson_interval(300, 400, confidence=0.9))
    for end, bound, share in ((found.lower, plain.lower, 0.075 - low), (found.upper, plain.upper, high - 0.075)):
        width = abs(bound - plain.difference)
        assert abs(end - found.difference) == pytest.approx((width**2 + share**2 + 2 * together * width * share) ** 0.5)


def test_a_share_of_many_different_scores_has_students_interval():
    generator = np.random.default_rng(5)
    before = [float(value) for value in generator.uniform(0, 1, 200)]
    after = [float(np.clip(value + step, 0, 1)) for value, step in zip(before, generator.normal(0, 0.05, 200), strict=True)]
    found = shared(before, after, share=0.2)
    plain = stats.paired_difference(before, after, alpha=0.05, margin=found.margin)
    error = 0.2 * np.std(before, ddof=1) / 200**0.5 * scipy_stats.t.ppf(0.95, 199)
    together = np.corrcoef([new - old for old, new in zip(before, after, strict=True)], before)[0, 1]
    for end, bound in ((found.lower, plain.lower), (found.upper, plain.upper)):
        width = abs(bound - plain.difference)
        assert abs(end - found.difference) == pytest.approx((width**2 + error**2 + 2 * together * width * error) ** 0.5, rel=1e-6)


def test_what_is_lost_only_where_it_is_allowed_is_judged_by_both_together():
    # Only right items can be lost, so the loss and the allowance rise together, and each is uncertain for the same reason.
    after = [0.0] * 15 + right[15:]
    found, alone = shared(right, after), stats.paired_difference(right, after, alpha=0.05, margin=0.075)
    assert found.lower > alone.lower - 0.005
    assert found.lower != alone.lower


@settings(max_examples=40, deadline=None)
@given(evaluations.filter(lambda pairs: len({before for before, _ in pairs}) > 1), st.floats(0.02, 0.5))
def test_with_a_share_the_p_value_agrees_with_the_interval(pairs, share):
    before, after = map(list, zip(*pairs, strict=True))
    found = shared(before, after, share=share)
    assert found.lower <= found.difference <= found.upper
    assert (found.p_value <= 0.05) == (found.upper < -found.margin)
    assert 0 <= found.p_value <= 1


@pytest.mark.parametrize(("lost", "p_value"), [(10, 1.0), (40, 0.24), (60, 0.0006)])
def test_the_p_value_of_a_share_is_the_normal_one_at_the_joined_width(lost, p_value):
    after = [0.0] * lost + right[lost:]
    found = shared(right, after)
    distance = (found.difference + found.margin) / ((found.upper - found.difference) / 1.6448536)
    assert found.p_value == pytest.approx(scipy_stats.norm.cdf(distance), rel=1e-6, abs=1e-12)


def test_clusters_widen_the_uncertainty_of_the_share_too():
    names = [place // 20 for place in range(400)]
    after = [0.0] * 10 + right[10:]
    together, alone = shared(right, after, clusters=names), shared(right, after)
    plain = stats.paired_difference(right, after, names, alpha=0.05, margin=together.margin)
    assert together.lower < alone.lower
    assert together.lower < plain.lower
    # 20 clusters that are wholly right or wholly wrong: the share is that of 20 items.
    effect = stats.design_effect(right, names)[0]
    assert 15 < effect <= 25


def test_a_share_of_unbounded_scores_scales_with_them():
    before, after = [10.0, 20.0, 30.0, 40.0] * 20, [9.0, 21.0, 29.0, 40.0] * 20
    small = shared(before, after, bounded=False)
    large = shared([3 * value for value in before], [3 * value for value in after], bounded=False)
    assert (large.lower, large.upper, large.margin) == pytest.approx((3 * small.lower, 3 * small.upper, 3 * small.margin))
    assert large.p_value == pytest.approx(small.p_value)


def test_scores_that_are_no_pairs_are_refused_and_without_a_margin_nothing_is_allowed():
    for before, after in (([], []), ([], [1.0]), ([1.0], []), ([1.0, 0.0], [1.0])):
        said = rf"^unicomp: {len(before)} reference and {len(after)} candidate scores; expected as many of each, at least 1\.$"
        with pytest.raises(UnicompError, match=said):
            stats.paired_difference(before, after, alpha=0.05)
    found = stats.paired_difference([1.0, 0.0], [0.0, 0.0], alpha=0.05)
    assert found == stats.paired_difference([1.0, 0.0], [0.0, 0.0], alpha=0.05, margin=0.0)
    assert found.margin == 0.0


@pytest.mark.parametrize(("lost", "gained", "n"), [(9, 1, 100), (10, 2, 100), (3, 0, 40), (0, 0, 30), (70, 40, 400)])
def test_a_p_value_that_does_not_reject_is_the_tail_itself(lost, gained, n):
    before, after = [1.0] * lost + [0.0] * (n - lost), [0.0] * lost + [1.0] * gained + [0.0] * (n - lost - gained)
    found = stats.paired_difference(before, after, alpha=0.05, margin=0.05)
    if lost + gained <= 100:
        expected, method = stats.exact_tail(lost, gained, n, 0.05), "score, exact tail"
    else:
        expected, method = float(scipy_stats.norm.cdf(stats.tango_statistic(lost, gained, n, -0.05))), "score (Tango)"
    assert expected > 0.05
    assert (found.p_value, found.method) == (pytest.approx(expected), method)


def test_the_exact_tail_is_named_up_to_a_hundred_flips_and_credit_that_is_partial_too():
    def method(lost, gained, credit=0.0):
        before, after = [1.0] * lost + [credit] * gained, [credit] * lost + [1.0] * gained
        return stats.paired_difference([*before, *[0.0] * 200], [*after, *[0.0] * 200], alpha=0.05).method

    assert method(60, 40) == "score, exact tail"
    assert method(60, 41) == "score (Tango)"
    assert method(3, 4, 0.5) == "score, partial credit, exact tail"
    assert method(150, 150, 0.25) == "score, partial credit (Tango)"


def test_scores_just_beyond_1_are_unbounded_and_so_are_rates_that_are_said_to_be():
    before, after = [1.0] * 30 + [0.0] * 10, [1.0] * 28 + [0.0] * 12
    rate = stats.paired_difference(before, after, alpha=0.05)
    said = stats.paired_difference(before, after, alpha=0.05, bounded=False)
    beyond = stats.paired_difference([1.5, *before], [1.5, *after], alpha=0.05)
    assert rate.method == "score, exact tail"
    assert said.method == beyond.method == "t with room for a long tail"
    assert said.lower < rate.lower
    assert (said.margin, beyond.margin) == (0.0, 0.0)
    assert stats.paired_difference(before, after, alpha=0.05, bounded=False, margin=0.2).margin == 0.2


def test_clusters_of_unbounded_scores_count_in_both_of_its_intervals():
    names = [str(place // 10) for place in range(80)]
    before = [10.0] * 80
    whole = [10.0] * 60 + [0.0] * 20
    spread_out = [0.0 if place % 4 == 0 else 10.0 for place in range(80)]
    alone = stats.paired_difference(before, whole, alpha=0.05, margin=1.0, bounded=False)
    together, apart = (
        stats.paired_difference(before, after, names, alpha=0.05, margin=1.0, bounded=False) for after in (whole, spread_out)
    )
    assert together.lower < apart.lower <= alone.lower + 1e-9
    assert together.p_value > alone.p_value
    assert "CR2 by cluster" in together.method


def test_one_item_may_have_an_allowance_of_its_own():
    assert stats.paired_difference([1.0], [1.0], alpha=0.05, allowances=[0.1]) == stats.paired_difference(
        [1.0], [1.0], alpha=0.05, margin=0.1
    )


def test_a_p_value_is_moved_to_the_side_of_alpha_on_which_the_interval_is_and_no_further():
    assert (agreeing(0.07, 0.05, False), agreeing(0.03, 0.05, True)) == (0.07, 0.03)
    assert 0.05 < agreeing(0.03, 0.05, False) < 0.05 * (1 + 1e-6)
    assert agreeing(0.07, 0.05, True) == 0.05
