"""Ratios of paired timings."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats


def test_ratio_interval_turns_over_when_the_arms_are_swapped():
    slow, fast = [1.1, 1.3, 1.2, 1.25], [1.0, 1.1, 1.05, 1.0]
    one, other = stats.ratio_interval(fast, slow, confidence=0.9), stats.ratio_interval(slow, fast, confidence=0.9)
    assert (one.value, one.lower, one.upper) == pytest.approx((1 / other.value, 1 / other.upper, 1 / other.lower))
    assert one.value == pytest.approx(scipy_stats.gmean(np.array(slow) / np.array(fast)))


@pytest.mark.parametrize(
    ("reference", "candidate", "named"), [([1.0, 0.0], [1.0, 1.0], "0.0"), ([1.0], [1.0, 2.0], "in pairs"), ([1.0], [1.0], "at least 2")]
)
def test_ratio_interval_names_what_it_cannot_use(reference, candidate, named):
    with pytest.raises(UnicompError, match=named):
        stats.ratio_interval(reference, candidate, confidence=0.9)


def test_the_interval_of_a_ratio_is_students_of_the_logarithms():
    slow, fast = [1.1, 1.3, 1.2, 1.25], [1.0, 1.1, 1.05, 1.0]
    found = stats.ratio_interval(fast, slow, confidence=0.9)
    theirs = scipy_stats.ttest_rel(np.log(slow), np.log(fast)).confidence_interval(0.9)
    assert (found.lower, found.upper) == pytest.approx((np.exp(theirs.low), np.exp(theirs.high)))


@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
@pytest.mark.parametrize("side", [0, 1])
def test_a_ratio_of_what_is_not_positive_and_finite_is_refused_on_either_side(value, side):
    sides = [[1.0, 2.0], [1.0, 2.0]]
    sides[side][1] = value
    with pytest.raises(
        UnicompError, match=rf"^unicomp: a ratio of measurements found the value {value}; expected positive finite numbers\.$"
    ):
        stats.ratio_interval(*sides, confidence=0.9)
