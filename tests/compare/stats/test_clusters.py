"""The design effect."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import stats


def test_repeating_every_item_in_its_cluster_does_not_buy_precision():
    random = np.random.default_rng(3)
    before = (random.random(60) < 0.8).astype(float)
    after = np.where(random.random(60) < 0.3, 1 - before, before)
    once = stats.paired_difference(before.tolist(), after.tolist(), alpha=0.05, margin=0.05)
    often = stats.paired_difference(
        np.repeat(before, 10).tolist(), np.repeat(after, 10).tolist(), np.repeat(np.arange(60), 10).tolist(), alpha=0.05, margin=0.05
    )
    assert often.upper - often.lower == pytest.approx(once.upper - once.lower, rel=0.1)


def test_clusters_without_any_flip_do_not_count_as_independent_items():
    scores, clusters = [1.0] * 400, [place % 20 for place in range(400)]
    alone = stats.paired_difference(scores, scores, alpha=0.05, margin=0.05)
    together = stats.paired_difference(scores, scores, clusters, alpha=0.05, margin=0.05)
    assert together.upper > 2 * alone.upper
