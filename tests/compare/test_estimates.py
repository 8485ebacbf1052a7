"""Means with their standard errors."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare.estimates import estimate
from tests.compare.toy_pairs import retained
from tests.toys import measurement


def test_a_rate_of_all_or_none_has_a_standard_error_too():
    everything, nothing = measurement([1.0] * 100), measurement([0.0] * 100, artifact="b")
    check = retained(everything, nothing)
    # Two successes and two failures added: sqrt(2/104 * 102/104 / 104).
    assert check.reference.stderr == check.candidate.stderr == pytest.approx(0.013466, abs=1e-6)


def test_scores_that_are_no_rate_have_the_error_of_their_spread_alone():
    assert estimate([1.0, 1.0, 1.0]).stderr == 0.0
    assert estimate([1.0, 1.0, 1.0], rate=True).stderr > 0.0
