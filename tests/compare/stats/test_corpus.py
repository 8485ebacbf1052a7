"""Corpus-level scores."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import stats


def test_scores_of_a_set_follow_their_definitions():
    rows = np.array([(1, 1), (1, 0), (0, 1), (0, 0), (1, 1)])
    assert stats.f1(rows) == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    assert stats.f1(np.zeros((3, 2))) == 0
    assert stats.pearson(np.array([(1.0, 2.0), (2.0, 2.0)])) == 0
    documents = np.array([(10.0, 5.0), (40.0, 10.0)])
    assert stats.log_perplexity(documents) == pytest.approx(-50 / 15)


def test_pearsons_correlation_has_its_sign_and_f1_ignores_right_negatives():
    rows = np.array([(1.0, 3.0), (2.0, 1.0), (4.0, 0.5), (3.0, 2.5)])
    assert stats.pearson(rows) == pytest.approx(np.corrcoef(rows.T)[0, 1])
    assert stats.pearson(rows * (1, 0)) == stats.pearson(rows * (0, 1)) == 0
    assert stats.pearson(rows * 1e-3) == pytest.approx(stats.pearson(rows))
    assert stats.f1(np.array([(1, 0), (1, 1), (1, 1), (0, 0), (0, 0), (0, 0)])) == pytest.approx(2 * 2 / (2 * 2 + 1))
    assert stats.f1(np.array([(0, 1), (0, 0)])) == 0
