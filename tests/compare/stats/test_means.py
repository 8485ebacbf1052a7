"""Means and their errors, beside Python's own statistics."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import stats


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_mean_and_error_are_those_of_the_sample(scores):
    value, error = stats.mean_and_error(scores)
    assert value == pytest.approx(statistics.fmean(scores))
    assert error == pytest.approx(statistics.stdev(scores) / len(scores) ** 0.5, abs=1e-12)


def test_what_too_few_scores_do_not_give_is_none():
    assert stats.mean_and_error([]) == (None, None)
    assert stats.mean_and_error([0.25]) == (0.25, None)
