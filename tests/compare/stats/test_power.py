"""Detectable effects and required items."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import stats


def test_minimum_detectable_effect_and_required_items_are_inverse():
    # 2.4865 = 1.6449 + 0.8416: one-sided 5 %, power 80 %.
    assert stats.minimum_detectable_effect(0.01, alpha=0.05) == pytest.approx(0.024865, abs=1e-6)
    assert stats.required_items(0.01, 1000, 0.024865, alpha=0.05) in (1000, 1001)
    assert stats.required_items(0.01, 1000, 0.0124325, alpha=0.05) == pytest.approx(4000, abs=2)
    assert stats.required_items(0.01, 1000, 0.0, alpha=0.05) is None


def test_an_interval_without_width_passes_and_one_as_wide_as_the_margin_does_so_half_the_time():
    assert stats.passing_probability(0.0, 0.03, alpha=0.05) == 1.0
    assert stats.passing_probability(0.03, 0.03, alpha=0.05) == pytest.approx(0.5)
    # Half as wide: one normal quantile of alpha above.
    assert stats.passing_probability(0.015, 0.03, alpha=0.05) == pytest.approx(0.95)
    assert stats.passing_probability(1.0, 0.0, alpha=0.05) == pytest.approx(0.05)
