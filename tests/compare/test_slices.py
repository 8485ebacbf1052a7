"""The worst slice of a benchmark."""

from __future__ import annotations

import pytest

from pytest_unicomp import compare
from pytest_unicomp.compare import Policy
from tests.compare.toy_slices import check, sides
from tests.toys import measurement

POLICY = Policy(alpha=0.05, capability_margin=0.03, benchmark_margin=0.05, drift_margin=0.02)


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
