"""The decision rules: an interval and a margin give one answer, and mirrored intervals mirrored answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import stats

ends = st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted)
margins = st.floats(0, 0.5)


@pytest.mark.parametrize(
    ("low", "high", "answer"),
    [(-0.02, 0.02, "kept"), (-0.05, 0.02, "undecided"), (-0.2, -0.05, "undecided"), (-0.2, -0.051, "lost"), (0.051, 0.2, "better")],
)
def test_a_bound_on_the_margin_itself_decides_nothing(low, high, answer):
    assert stats.non_inferiority(low, high, 0.05) == answer


@given(ends, margins)
def test_kept_and_lost_exclude_each_other_and_follow_the_bounds(interval, margin):
    low, high = interval
    answer = stats.non_inferiority(low, high, margin)
    assert (answer in ("kept", "better")) == (low > -margin)
    assert (answer == "lost") == (low <= -margin and high < -margin)


@given(ends, margins)
def test_equivalence_of_the_swapped_sides_is_mirrored(interval, margin):
    low, high = interval
    mirrored = {"within": "within", "undecided": "undecided", "below": "above", "above": "below"}
    assert stats.equivalence(-high, -low, margin) == mirrored[stats.equivalence(low, high, margin)]


@given(ends, margins)
def test_what_is_equivalent_is_kept_too(interval, margin):
    if stats.equivalence(*interval, margin) == "within":
        assert stats.non_inferiority(*interval, margin) == "kept"


def test_an_interval_that_ends_at_the_margin_is_not_within_it():
    assert stats.equivalence(-0.05, 0.02, 0.05) == "undecided"
    assert stats.equivalence(-0.02, 0.05, 0.05) == "undecided"
    assert stats.equivalence(-0.049, 0.049, 0.05) == "within"
    assert stats.equivalence(-0.09, -0.05, 0.05) == "undecided"
    assert stats.equivalence(0.05, 0.09, 0.05) == "undecided"
