"""The vectorized verdicts must be those of the interval itself: what power, self-tests and the table of error rates rest on."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import stats


def verdict(differences, clusters, margin):
    before = [1.0 if value < 0 else 0.0 for value in differences]
    after = [old + value for old, value in zip(before, differences, strict=True)]
    found = stats.paired_difference(before, after, clusters, alpha=0.05, margin=margin)
    return found.lower > -margin, found.upper < -margin


@pytest.mark.parametrize("n", [20, 53, 200, 1000])
@pytest.mark.parametrize("margin", [0.01, 0.05])
def test_counts_give_the_verdict_of_the_interval(n, margin):
    random = np.random.default_rng(n)
    losses, gains = random.integers(0, min(n // 4, 60), size=(2, 30))
    found = stats.decide_counts(losses, gains, n, margin=margin, alpha=0.05)
    for lost, gained, passes, fails in zip(losses, gains, *found, strict=True):
        assert verdict([-1.0] * lost + [1.0] * gained + [0.0] * (n - lost - gained), None, margin) == (passes, fails)


@pytest.mark.parametrize(("clusters", "rate"), [(12, 0.3), (20, 0.05), (40, 0.2), (60, 0.01)])
def test_clustered_counts_give_the_verdict_of_the_interval(clusters, rate):
    random = np.random.default_rng(clusters)
    sizes = random.integers(1, 25, size=clusters)
    own = random.dirichlet([rate, rate / 4, 1.0], size=(40, clusters))
    counts = np.array([[random.multinomial(size, share) for size, share in zip(sizes, row, strict=True)] for row in own])
    found = stats.decide_clustered(counts[..., 0], counts[..., 1], sizes, margin=0.08, alpha=0.05)
    seen = set()
    for row, passes, fails in zip(counts, *found, strict=True):
        differences = [value for lost, gained, same in row for value in [-1.0] * lost + [1.0] * gained + [0.0] * same]
        names = np.repeat(np.arange(clusters), sizes).tolist()
        assert verdict(differences, names, 0.08) == (passes, fails)
        seen.add((bool(passes), bool(fails)))
    assert len(seen) > 1


def test_bounds_by_bisection_are_tangos():
    losses, gains, n = np.array([60, 25, 7, 0]), np.array([20, 28, 1, 0]), np.array([1000, 618, 21, 50])
    lower, upper = stats.normal_bounds(losses, gains, n, alpha=0.05)
    for place in range(4):
        expected = stats.tango_interval(losses[place], gains[place], n[place], confidence=0.9)
        assert (lower[place], upper[place]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("clusters", [1, 12, 30])
def test_sums_of_partial_credit_give_the_verdict_of_the_interval(clusters):
    random = np.random.default_rng(clusters)
    place = np.arange(240) % clusters
    seen = set()
    for drop in (0.0, 0.02, 0.1, 0.6):
        for _ in range(8):
            after = np.where(random.random(240) < 0.25, random.choice([-1.0, -0.5, 0.25, 0.5], size=240) - drop, 0.0).clip(-1, 1)
            names = None if clusters == 1 else place.tolist()
            sums = stats.cluster_sums(after.tolist(), place.tolist())
            found = stats.decide_sums(sums, margin=0.05, alpha=0.05)
            before = np.maximum(-after, 0.0)
            pair = stats.paired_difference(before.tolist(), (before + after).tolist(), names, alpha=0.05, margin=0.05)
            assert (pair.lower > -0.05, pair.upper < -0.05) == (bool(found.passes[0]), bool(found.fails[0]))
            seen.add((bool(found.passes[0]), bool(found.fails[0])))
    assert len(seen) > 1


@pytest.mark.parametrize("clusters", [1, 12, 30])
@pytest.mark.parametrize("scored", ["weights", "0 or 100", "nats"])
def test_unbounded_scores_give_the_verdict_of_the_interval(clusters, scored):
    random = np.random.default_rng([clusters, len(scored)])
    place = np.arange(120) % clusters
    seen = set()
    for drop in (0.0, 0.2, 0.6, 0.98):
        shape = (8, 120)
        weights = np.full(shape, 100.0) if scored == "0 or 100" else np.exp(random.normal(size=shape))
        before = weights * (random.random(shape) < 0.7)
        after = np.where(random.random(shape) < drop, 0.0, before)
        if scored == "nats":
            after = before + random.normal(-drop, 0.1, size=shape)
        margin = 20.0 if scored == "0 or 100" else 0.2
        found = stats.decide_unbounded(before, after, None if clusters == 1 else place, margin=margin, alpha=0.05)
        for row, (passes, fails) in enumerate(zip(*found, strict=True)):
            names = None if clusters == 1 else place.tolist()
            pair = stats.paired_difference(before[row].tolist(), after[row].tolist(), names, alpha=0.05, margin=margin, bounded=False)
            assert (pair.lower > -margin, pair.upper < -margin) == (passes, fails)
            seen.add((bool(passes), bool(fails)))
    assert len(seen) > 1


def test_skipping_the_exact_tail_far_from_the_limit_changes_no_verdict():
    losses, gains = (grid.ravel() for grid in np.mgrid[0:30, 0:30])
    found = stats.decide_counts(losses, gains, 80, margin=0.1, alpha=0.05)
    for lost, gained, passes, fails in zip(losses.tolist(), gains.tolist(), *found, strict=True):
        assert passes == (stats.exact_tail(gained, lost, 80, -0.1) <= 0.05)
        assert fails == (stats.exact_tail(lost, gained, 80, 0.1) <= 0.05)
