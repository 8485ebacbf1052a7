"""Error rates by simulation: a PASS or FAIL at a drop equal to the margin is wrong, whatever the scores and clusters."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import stats

ALPHA, MARGIN = 0.05, 0.03
# Three standard errors of a rate of 0.05 at this many replicates are added to the bound.
REPLICATES = 1500
BOUND = 0.06 + 3 * (0.05 * 0.95 / REPLICATES) ** 0.5


def clustered(n, clusters, correlation, discordance, *, credit=None, seed=0):
    """Return sums of evaluations that lose just the margin, with rates that vary between clusters as a Dirichlet."""
    random = np.random.default_rng([n, clusters, seed])
    mean = 1.0 if credit is None else sum(credit) / len(credit)
    lost, gained = (discordance + MARGIN / mean) / 2, (discordance - MARGIN / mean) / 2
    sizes = np.bincount(np.arange(n) % clusters)
    own = random.dirichlet(np.array([lost, gained, 1 - lost - gained]) * (1 - correlation) / correlation, size=(REPLICATES, clusters))
    down = random.binomial(sizes, own[..., 0])
    up = random.binomial(sizes - down, np.clip(own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0, 1))
    if credit is None:
        return stats.Sums(down, up, down + up, sizes)
    sides = []
    for flips in (down, up):
        left, total, squares = flips, np.zeros(flips.shape), np.zeros(flips.shape)
        for place, size in enumerate(credit):
            many = random.binomial(left, 1 / (len(credit) - place))
            left, total, squares = left - many, total + size * many, squares + size**2 * many
        sides.append((total, squares))
    return stats.Sums(sides[0][0], sides[1][0], sides[0][1] + sides[1][1], sizes)


@pytest.mark.parametrize(("n", "clusters"), [(1300, 5), (1300, 12), (400, 12), (1300, 40), (400, 40)])
def test_few_flips_in_few_clusters_keep_both_error_rates_for_right_or_wrong_items(n, clusters):
    lost, gained, _, sizes = clustered(n, clusters, 0.3, 0.05)
    found = stats.decide_clustered(lost, gained, sizes, margin=MARGIN, alpha=ALPHA)
    assert max(found.passes.mean(), found.fails.mean()) <= BOUND


@pytest.mark.parametrize(("n", "clusters", "correlation"), [(1300, 5, 0.3), (1300, 12, 0.1), (400, 12, 0.3), (1300, 20, 0.1)])
def test_clusters_with_partial_credit_keep_both_error_rates(n, clusters, correlation):
    found = stats.decide_sums(clustered(n, clusters, correlation, 0.08, credit=(0.25, 0.5, 0.75, 1.0)), margin=MARGIN, alpha=ALPHA)
    assert max(found.passes.mean(), found.fails.mean()) <= BOUND


@pytest.mark.parametrize("n", [10, 30, 400])
def test_right_or_wrong_scored_0_or_100_keeps_its_error_rate(n):
    random = np.random.default_rng(n)
    wrong = 0
    for _ in range(150):
        after = np.where(random.random(n) < MARGIN, 0.0, 100.0)
        found = stats.paired_difference([100.0] * n, after.tolist(), alpha=ALPHA, margin=100 * MARGIN, bounded=False)
        wrong += found.lower > -100 * MARGIN
    assert wrong <= 150 * 0.06 + 3 * (150 * 0.05) ** 0.5


@pytest.mark.parametrize("n", [6, 10, 30, 150, 400])
def test_losses_with_a_long_tail_keep_the_error_rate(n):
    random = np.random.default_rng(n)
    wrong = 0
    for _ in range(300):
        losses = MARGIN * np.exp(1.5 * random.normal(size=n) - 1.125)
        found = stats.paired_difference([0.0] * n, (-losses).tolist(), alpha=ALPHA, margin=MARGIN, bounded=False)
        wrong += found.lower > -MARGIN
    assert wrong <= 300 * 0.06 + 3 * (300 * 0.05) ** 0.5
