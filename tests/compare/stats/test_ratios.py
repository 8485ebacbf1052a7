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
