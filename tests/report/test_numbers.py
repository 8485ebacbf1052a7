"""Formats of numbers."""

from __future__ import annotations

import pytest

from pytest_unicomp.report import numbers
from tests.report import toy_report


def test_a_paired_ratio_is_the_one_that_was_judged_not_the_quotient_of_two_means() -> None:
    check = toy_report.latency("r", True, "pruning", "decode-latency", 0.8).model_copy(update={"difference": 0.31, "interval": (0.2, 0.4)})
    assert numbers.ratio(check) == pytest.approx(0.69)
    faster = check.model_copy(update={"higher_is_better": True, "margin": 0.1})
    assert numbers.ratio(faster) == pytest.approx(1.31)
    assert numbers.ratio_interval(faster) == pytest.approx((1.2, 1.4))
    assert numbers.largest_ratio(faster) == pytest.approx(0.9)


def test_signs_are_true_minus_signs_and_zero_has_none() -> None:
    assert numbers.change(-0.0123, "rate") == "−1.2 pts"
    assert numbers.change(0.0123, "rate") == "+1.2 pts"
    assert numbers.change(-0.0001, "rate") == "0.0 pts"
