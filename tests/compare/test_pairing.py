"""Pairing: orientation of scores, clusters, and the test against chance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import Policy
from pytest_unicomp.compare.pairing import above_chance, changes, compare, describe
from tests.toys import measurement


def pairs(before, after, **update):
    sides = [measurement(scores, artifact=mark).model_copy(update=update) for scores, mark in ((before, "a"), (after, "b"))]
    policy = Policy()
    fields = describe(sides[1], recipe="toy", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)
    return compare(*sides, fields)


def test_larger_is_better_on_both_sides_after_pairing():
    right = pairs([1.0, 0.0], [0.0, 0.0])
    wrong = pairs([0.0, 1.0], [1.0, 1.0], higher_is_better=False)
    assert (right.before, right.after) == (wrong.before, wrong.after) == ([1.0, 0.0], [0.0, 0.0])
    assert wrong.raw_reference == [0.0, 1.0]
    assert right.fields["difference"] == wrong.fields["difference"] == -0.5


def test_items_that_neither_side_could_score_are_counted_and_not_paired():
    found = pairs([1.0, None, 0.0], [1.0, None, 1.0])
    assert (len(found.pairs), found.unscored) == (2, 1)
    assert "1 item that neither side could score" in found.check("pass", "kept").reason


def test_an_item_without_a_cluster_never_joins_a_cluster_of_its_name():
    sides = [measurement([1.0, 0.0, 1.0], artifact=mark) for mark in "ab"]
    named = [side.model_copy(update={"items": [side.items[0].model_copy(update={"cluster": "toy/1"}), *side.items[1:]]}) for side in sides]
    policy = Policy()
    fields = describe(named[1], recipe="toy", family="pruning", gates=True, question="retention", margin=policy.benchmark, policy=policy)
    assert compare(*named, fields).clusters == ["cluster toy/1", "item toy/1", "item toy/2"]


@given(st.integers(0, 60), st.floats(0.01, 0.99))
def test_only_a_rate_above_chance_can_have_its_bound_above_chance(right, chance):
    above, lower = above_chance([1.0] * right + [0.0] * (60 - right), None, chance, alpha=0.05)
    assert lower <= right / 60
    assert above == (lower > chance)


def test_clustered_items_need_more_to_be_above_chance():
    scores = ([1.0] * 10 + [0.0] * 10) * 5
    clusters = [str(place // 10) for place in range(100)]
    assert above_chance(scores, clusters, 0.35, alpha=0.05)[1] < above_chance(scores, None, 0.35, alpha=0.05)[1]


@pytest.mark.parametrize(
    ("weights", "found"), [(True, ["machine: toy machine -> other", "weights: aaaaaaaa -> b"]), (False, ["machine: toy machine -> other"])]
)
def test_changes_that_leave_measurements_comparable_are_listed(weights, found):
    after = measurement([1.0], artifact="b").model_copy(update={"machine": "other"})
    assert changes(measurement([1.0]), after, weights=weights) == found
