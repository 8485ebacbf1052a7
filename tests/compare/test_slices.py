"""The worst slice of a benchmark."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp import compare
from pytest_unicomp.compare import Policy
from tests.compare.toy_slices import check, sides
from tests.toys import measurement

POLICY = Policy(alpha=0.05, capability_margin=0.03, benchmark_margin=0.05, drift_margin=0.02)


def retained(before, after, policy=POLICY):
    return compare.retention(before, after, recipe="r", family="pruning", gates=True, policy=policy, identical=False)


def parted(*parts, metric="acc"):
    """Two measurements of slices "a", "b", …, each given as (scores before, scores after)."""
    names = [name for name, (before, _) in zip("abcdefgh", parts, strict=False) for _ in before]
    made = []
    for side, mark in ((0, "a" * 8), (1, "b" * 8)):
        whole = measurement([score for part in parts for score in part[side]], artifact=mark)
        items = [item.model_copy(update={"slice": name}) for item, name in zip(whole.items, names, strict=True)]
        conditions = whole.conditions.model_copy(update={"metric": metric})
        made.append(whole.model_copy(update={"items": items, "metric": metric, "conditions": conditions}))
    return made


def losing(lost, n, right=1.0):
    """Scores of one slice: all right before, `lost` of `n` wrong after."""
    return [right] * n, [0.0] * lost + [right] * (n - lost)


def test_the_worst_part_is_named_with_its_own_interval():
    found = check({2: 12}).worst_slice
    assert (found.name, found.n, found.reference, found.candidate) == ("part 2", 60, 1.0, pytest.approx(48 / 60))
    assert found.difference == pytest.approx(-12 / 60)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.lost


def test_a_part_that_is_small_by_chance_is_not_lost():
    found = check({2: 2, 4: 1}).worst_slice
    assert found.name == "part 2"
    assert not found.lost


def test_without_parts_nothing_is_named():
    before, after = measurement([1.0] * 40), measurement([0.0] * 4 + [1.0] * 36, artifact="b" * 8)
    assert compare.retention(before, after, recipe="r", family="pruning", gates=True, policy=POLICY, identical=False).worst_slice is None


def test_large_clusters_are_parts_and_many_small_ones_are_not():
    before, after = sides({1: 20})
    clustered = [
        side.model_copy(update={"items": [item.model_copy(update={"slice": None, "cluster": item.slice}) for item in side.items]})
        for side in (before, after)
    ]
    found = compare.retention(*clustered, recipe="r", family="pruning", gates=True, policy=POLICY, identical=False)
    assert found.worst_slice.name == "part 1"
    small = [
        side.model_copy(update={"items": [item.model_copy(update={"cluster": str(place // 2)}) for place, item in enumerate(side.items)]})
        for side in clustered
    ]
    assert compare.retention(*small, recipe="r", family="pruning", gates=True, policy=POLICY, identical=False).worst_slice is None


def test_a_slice_whose_items_share_clusters_is_lost_only_if_several_clusters_show_it():
    def clustered(side, size):
        items = [item.model_copy(update={"cluster": str(place // size)}) for place, item in enumerate(side.items)]
        return side.model_copy(update={"items": items})

    def lost(size):
        pair = [clustered(side, size) for side in sides({1: 20})]
        return compare.retention(*pair, recipe="r", family="pruning", gates=True, policy=POLICY, identical=False).worst_slice.lost

    # Part 1 loses 20 of its 60 items: 20 independent losses, or one cluster of 20.
    assert lost(1)
    assert not lost(20)
    # A slice that is one cluster is judged by its items: nothing is concluded about other clusters.
    assert lost(60)


def test_two_slices_are_enough_and_one_is_none():
    assert retained(*parted(losing(30, 60), losing(0, 60))).worst_slice.name == "a"
    assert retained(*parted(losing(30, 60))).worst_slice is None


@pytest.mark.parametrize(("size", "judged"), [(4, False), (5, True)])
def test_a_slice_of_fewer_than_five_items_is_not_judged(size, judged):
    assert (retained(*parted(losing(3, size), losing(0, size))).worst_slice is not None) == judged


@pytest.mark.parametrize(("size", "count", "judged"), [(10, 64, True), (10, 65, False), (9, 64, False)])
def test_clusters_are_slices_if_there_are_at_most_64_of_at_least_ten_items(size, count, judged):
    found = []
    for mark in "ab":
        whole = measurement([1.0] * (size * count), artifact=mark)
        items = [item.model_copy(update={"cluster": str(place // size)}) for place, item in enumerate(whole.items)]
        found.append(whole.model_copy(update={"items": items}))
    assert (retained(*found).worst_slice is not None) == judged


def test_a_slice_that_surely_loses_less_than_the_margin_is_not_lost():
    found = retained(*parted(losing(12, 400), losing(0, 400))).worst_slice
    assert found.interval[1] < 0
    assert not found.lost
    # The p-value is that of a loss above the margin of five points, which three points are not.
    assert found.p_value > 0.9


def test_of_the_lost_slices_the_one_with_the_clearest_loss_is_named_else_that_with_the_largest():
    wide, narrow = losing(7, 12), losing(80, 300)
    assert retained(*parted(wide, losing(0, 300))).worst_slice.lost
    found = retained(*parted(wide, narrow)).worst_slice
    assert (found.name, found.lost) == ("b", True)
    # One of 12 items is a larger loss than 22 of 300, and a far less certain one.
    undecided = retained(*parted(losing(1, 12), losing(22, 300))).worst_slice
    assert (undecided.name, undecided.lost) == ("a", False)


def test_the_p_value_of_a_slice_is_corrected_for_how_many_are_judged():
    two, four = (retained(*parted(losing(12, 60), *[losing(0, 60)] * others)).worst_slice for others in (1, 3))
    assert four.p_value == pytest.approx(2 * two.p_value)
    # At two slices a loss may be told from chance that at eight may not.
    assert retained(*parted(losing(9, 60), losing(0, 60))).worst_slice.lost
    assert not retained(*parted(losing(9, 60), *[losing(0, 60)] * 7)).worst_slice.lost


def test_a_slice_of_two_clusters_is_judged_by_them_and_not_by_its_items():
    before, after = parted(losing(30, 60), losing(0, 60))
    clustered = [
        side.model_copy(update={"items": [item.model_copy(update={"cluster": str(place // 30)}) for place, item in enumerate(side.items)]})
        for side in (before, after)
    ]
    assert retained(before, after).worst_slice.lost
    assert not retained(*clustered).worst_slice.lost


@settings(max_examples=8)
@given(st.lists(st.integers(0, 20), min_size=2, max_size=4), st.sampled_from([1.0, 100.0]))
def test_the_numbers_of_a_slice_are_those_of_a_check_of_its_items_alone(lost, right):
    margin = 0.05 * right
    policy = Policy(benchmark_margin=margin, capability_margin=margin)
    found = retained(*parted(*(losing(count, 20, right) for count in lost)), policy=policy).worst_slice
    alone = retained(*parted(losing(max(lost), 20, right)), policy=policy)
    assert (found.reference, found.candidate) == (right, pytest.approx(right * (1 - max(lost) / 20)))
    assert found.difference == pytest.approx(alone.difference)
    assert found.interval == pytest.approx(alone.interval)
    assert found.lost == (found.p_value <= policy.alpha)
    assert not found.lost or found.interval[1] < -margin


def test_a_slice_of_unbounded_scores_is_judged_as_such_even_if_its_own_lie_between_0_and_1():
    # Five wrong items of 40 whose scores reach 1; elsewhere they reach 100, so an item may hide a loss that large.
    own, hundred = losing(5, 40), losing(5, 40, right=100.0)
    policy = Policy(benchmark_margin=0.05, capability_margin=0.05)
    with_others = retained(*parted(own, (hundred[0], hundred[0])), policy=policy).worst_slice
    alone = retained(*parted(own, losing(0, 40)), policy=policy).worst_slice
    assert with_others.name == alone.name == "a"
    assert with_others.interval[0] < alone.interval[0] - 0.01


def test_a_slice_whose_scores_say_nothing_is_passed_over():
    # Unbounded scores that are all 0 show no size that a loss could have.
    zeros, hundred = ([0.0] * 20, [0.0] * 20), losing(6, 20, right=100.0)
    policy = Policy(benchmark_margin=5.0, capability_margin=5.0)
    assert retained(*parted(zeros, hundred, zeros), policy=policy).worst_slice.name == "b"


def test_a_margin_that_has_no_meaning_for_the_scores_leaves_the_slices_unjudged():
    before, after = parted(([-1.0, -2.0] * 20, [-1.5, -2.5] * 20), ([-1.0, -2.0] * 20, [-1.0, -2.0] * 20), metric="reward")
    sides_ = [side.model_copy(update={"chance": None}) for side in (before, after)]
    found = retained(*sides_, policy=Policy(benchmark_margin="5%"))
    assert (found.verdict, found.worst_slice) == ("inconclusive", None)
    assert "needs scores of at least 0" in found.reason


def test_slices_of_which_none_can_be_judged_name_no_worst_one():
    zeros = ([0.0] * 20, [0.0] * 20)
    nats = [side.model_copy(update={"higher_is_better": False, "chance": None}) for side in parted(zeros, zeros, metric="nats_per_token")]
    found = retained(*nats)
    assert (found.verdict, found.worst_slice) == ("inconclusive", None)
