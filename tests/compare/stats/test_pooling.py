"""MOVER and Holm's correction."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_value_nor_changes_their_order(p_values):
    adjusted = stats.holm(p_values)
    assert all(old <= new <= 1 for old, new in zip(p_values, adjusted, strict=True))
    ordered = [new for _, new in sorted(zip(p_values, adjusted, strict=True))]
    assert ordered == sorted(ordered)


def test_mover_pools_symmetric_intervals_like_variances():
    pooled = stats.mover_mean([stats.Bounded(0.1, 0.07, 0.13), stats.Bounded(-0.1, -0.14, -0.06)])
    assert (pooled.value, pooled.lower, pooled.upper) == pytest.approx((0.0, -0.025, 0.025))


def test_mover_leaves_one_interval_as_it_is_and_refuses_none():
    assert stats.mover_mean([stats.Bounded(0.1, 0.0, 0.4)]) == stats.Bounded(0.1, 0.0, 0.4)
    with pytest.raises(UnicompError, match=r"^unicomp: nothing to pool; expected at least one benchmark with an interval\.$"):
        stats.mover_mean([])


def test_holm_adjusts_step_by_step_in_the_order_given():
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]
