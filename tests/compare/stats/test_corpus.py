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
