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


@pytest.mark.parametrize(("margin", "flips"), [(0.01, [(4, 0), (1, 4)]), (0.03, [(6, 0), (9, 1), (14, 4)]), (0.05, [(9, 0)])])
def test_clusters_of_one_item_each_decide_no_sooner_than_items_alone(margin, flips):
    # At these counts the interval for clusters ends before the margin, and the exact one for independent items does not.
    sizes = [2, *[1] * 98]
    counts = np.zeros((2, len(flips), len(sizes)), dtype=int)
    for row, (lost, gained) in enumerate(flips):
        counts[0, row, 1 : 1 + lost] = 1
        counts[1, row, 1 + lost : 1 + lost + gained] = 1
    found = stats.decide_clustered(*counts, sizes, margin=margin, alpha=0.05)
    alone = stats.decide_counts(counts[0].sum(axis=1), counts[1].sum(axis=1), sum(sizes), margin=margin, alpha=0.05)
    assert not (found.passes & ~alone.passes).any()
    assert not (found.fails & ~alone.fails).any()
    for row, (lost, gained) in enumerate(flips):
        differences = [0.0, 0.0] + [-1.0] * lost + [1.0] * gained + [0.0] * (98 - lost - gained)
        names = [0, 0, *range(1, 99)]
        assert verdict(differences, names, margin) == (found.passes[row], found.fails[row])


def test_a_hundred_flips_are_still_decided_by_the_exact_tail():
    # The ends of the two intervals at 95 losses and 5 gains of 120 items: Tango's at -0.8173 and -0.6591, the exact one at -0.8204 and -0.6606.
    assert not stats.decide_counts(95, 5, 120, margin=0.819, alpha=0.05).passes
    assert stats.decide_counts(95, 5, 120, margin=0.66, alpha=0.05).fails


def test_verdicts_have_the_shape_of_the_counts():
    losses = np.array([[0, 3, 30], [1, 12, 2]])
    found = stats.decide_counts(losses, np.zeros_like(losses), 100, margin=0.1, alpha=0.05)
    assert found.passes.shape == found.fails.shape == (2, 3)
    assert found.fails.tolist() == [[False, False, True], [False, False, False]]


def test_bounds_of_counts_without_a_sign_are_those_of_the_same_numbers():
    losses, gains = np.array([3, 25], dtype=np.uint8), np.array([20, 28], dtype=np.uint8)
    assert np.array(stats.normal_bounds(losses, gains, 90, alpha=0.05)) == pytest.approx(
        np.array(stats.normal_bounds([3.0, 25.0], [20.0, 28.0], 90.0, alpha=0.05))
    )
    assert float(stats.normal_statistic(losses, gains, 90, 0.1)[0]) == pytest.approx(float(stats.normal_statistic(3.0, 20.0, 90, 0.1)))


def test_bounds_by_bisection_are_tangos():
    losses, gains, n = np.array([60, 25, 7, 0]), np.array([20, 28, 1, 0]), np.array([1000, 618, 21, 50])
    lower, upper = stats.normal_bounds(losses, gains, n, alpha=0.05)
    for place in range(4):
        expected = stats.tango_interval(losses[place], gains[place], n[place], confidence=0.9)
        assert (lower[place], upper[place]) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("clusters", [1, 2, 12, 30])
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
    # Two clusters are too few to decide anything.
    assert (len(seen) > 1) == (clusters != 2)


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


def turns_at(decide, found):
    """Assert that the verdict changes where the interval ends: passes beyond its lower end, fails before its upper one."""
    step = 1e-4 * (found.upper - found.lower)
    if found.lower < 0:
        assert [bool(np.all(decide(-found.lower + way * step).passes)) for way in (-1, 1)] == [False, True]
    if found.upper < 0:
        assert [bool(np.all(decide(-found.upper + way * step).fails)) for way in (-1, 1)] == [True, False]
    return (found.lower < 0, found.upper < 0)


@pytest.mark.parametrize(
    ("lost", "gained", "n"), [(6, 1, 100), (3, 0, 40), (0, 0, 80), (12, 1, 60), (30, 2, 90), (80, 45, 400), (120, 10, 900)]
)
def test_counts_are_decided_at_the_very_ends_of_the_interval(lost, gained, n):
    before, after = [1.0] * lost + [0.0] * (n - lost), [0.0] * lost + [1.0] * gained + [0.0] * (n - lost - gained)
    found = stats.paired_difference(before, after, alpha=0.05, margin=0.05)
    below_zero, _ = turns_at(lambda margin: stats.decide_counts(lost, gained, n, margin=margin, alpha=0.05), found)
    assert below_zero, "no margin lies at the end of this interval, so nothing was compared"


@pytest.mark.parametrize("clusters", [1, 8, 40])
@pytest.mark.parametrize("drop", [0.15, 0.45])
def test_sums_are_decided_at_the_very_ends_of_the_interval(clusters, drop):
    random = np.random.default_rng([clusters, int(10 * drop)])
    sizes = random.integers(2, 9, size=clusters) if clusters > 1 else np.array([150])
    names = np.repeat(np.arange(clusters), sizes).tolist()
    for credit in (1.0, 0.5):
        differences = np.where(
            random.random(len(names)) < 0.3, random.choice([-credit, 1.0], size=len(names), p=[0.5 + drop, 0.5 - drop]), 0.0
        )
        before = np.maximum(-differences, 0.0)
        given = (before.tolist(), (before + differences).tolist(), None if clusters == 1 else names)
        found = stats.paired_difference(*given, alpha=0.05, margin=0.05)
        sums = stats.cluster_sums(differences.tolist(), names)
        seen = turns_at(lambda margin, sums=sums: stats.decide_sums(sums, margin=margin, alpha=0.05), found)
        assert seen[0]
        assert seen[1] or clusters == 8 or drop < 0.4
        if credit == 1.0 and clusters > 1:
            counts = (sums.lost.astype(int), sums.gained.astype(int), sums.sizes)
            turns_at(lambda margin, counts=counts: stats.decide_clustered(*counts, margin=margin, alpha=0.05), found)


@pytest.mark.parametrize("clusters", [1, 8, 40])
@pytest.mark.parametrize(("n", "shift"), [(16, 0.0), (20, 3.0), (120, 0.0), (120, 2.0)])
def test_unbounded_scores_are_decided_at_the_very_ends_of_the_interval(clusters, n, shift):
    random = np.random.default_rng([clusters, n])
    place = random.integers(0, min(clusters, n // 2), size=n)
    before = random.exponential(4.0, size=n)
    after = np.where(random.random(n) < 0.8, before - shift * random.exponential(1.0, size=n) + random.normal(0, 0.3, size=n), before)
    given = {"alpha": 0.05, "bounded": False}
    names = None if clusters == 1 else place.tolist()
    found = stats.paired_difference(before.tolist(), after.tolist(), names, margin=1.0, **given)
    own = None if clusters == 1 else place
    below_zero, _ = turns_at(lambda margin: stats.decide_unbounded(before[None, :], after[None, :], own, margin=margin, alpha=0.05), found)
    assert below_zero, "no margin lies at the end of this interval, so nothing was compared"


@pytest.mark.parametrize("clusters", [1, 10])
def test_evaluations_that_are_judged_together_are_judged_as_alone(clusters):
    random = np.random.default_rng(clusters)
    names = (np.arange(100) % clusters).tolist()
    found, seen = [], []
    for drop in (0.0, 0.02, 0.3, 0.6):
        after = np.where(random.random(100) < 0.1 + drop, random.choice([-1.0, -0.5, 0.5], size=100), 0.0)
        found.append(stats.cluster_sums(after.tolist(), names))
    together = stats.Sums(*(np.concatenate([one[part] for one in found]) for part in range(3)), found[0].sizes)
    judged = stats.decide_sums(together, margin=0.15, alpha=0.05)
    for row, one in enumerate(found):
        alone = stats.decide_sums(one, margin=0.15, alpha=0.05)
        assert (judged.passes[row], judged.fails[row]) == (alone.passes[0], alone.fails[0])
        seen.append((bool(alone.passes[0]), bool(alone.fails[0])))
    assert len(set(seen)) > 1


@pytest.mark.parametrize("clusters", [None, 10])
def test_unbounded_evaluations_of_different_scales_are_judged_as_alone(clusters):
    random = np.random.default_rng(3)
    place = None if clusters is None else np.arange(100) % clusters
    scales = np.array([[0.1], [1.0], [1.0], [30.0], [1.0]])
    before = scales * random.exponential(size=(5, 100)) - np.array([[0.0], [0.0], [5.0], [0.0], [0.0]])
    after = before - np.array([[0.0], [0.1], [0.9], [0.9], [0.0]]) * (random.random((5, 100)) < 0.6)
    judged = stats.decide_unbounded(before, after, place, margin=0.3, alpha=0.05)
    alone = [stats.decide_unbounded(before[[row]], after[[row]], place, margin=0.3, alpha=0.05) for row in range(5)]
    assert judged.passes.tolist() == [bool(one.passes[0]) for one in alone]
    assert judged.fails.tolist() == [bool(one.fails[0]) for one in alone]
    assert judged.passes.any()
    assert not judged.passes.all()


def test_few_flips_of_one_evaluation_are_few_whatever_the_others_have():
    found = stats.decide_counts([95, 40, 3], [5, 30, 100], 220, margin=0.36, alpha=0.05)
    alone = [stats.decide_counts(lost, gained, 220, margin=0.36, alpha=0.05) for lost, gained in ((95, 5), (40, 30), (3, 100))]
    assert found.fails.tolist() == [bool(one.fails) for one in alone]
    # The ends of the two intervals at 95 losses and 5 gains of 120 items lie on both sides of 0.66.
    both = stats.decide_counts([95, 40], [5, 30], 120, margin=0.66, alpha=0.05)
    assert both.fails.tolist() == [True, False]
