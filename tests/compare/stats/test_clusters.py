"""The design effect."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.clusters import assumed_effect, cluster_totals, satterthwaite


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


def by_hand(differences, clusters):
    """The two design effects by their definitions, cluster by cluster."""
    n = len(differences)
    mean = sum(differences) / n
    groups = {}
    for value, cluster in zip(differences, clusters, strict=True):
        groups.setdefault(cluster, []).append(value)
    clustered = sum((sum(own) - mean * len(own)) ** 2 / (1 - len(own) / n) for own in groups.values()) / n**2
    independent = sum((value - mean) ** 2 for value in differences) / (n - 1) / n
    assumed = 1 + (sum(len(own) ** 2 for own in groups.values()) / n - 1) * 0.3
    found = []
    for sign in (-1, 1):
        sums = [sum(max(sign * value, 0.0) for value in own) for own in groups.values()]
        differing = min(sum(sums) ** 2 / sum(one**2 for one in sums), sum(sums)) if any(sums) else 0.0
        weight = 5 / (5 + differing)
        seen = clustered / independent
        found.append(max(seen, (1 - weight) * seen + weight * assumed, 1.0))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_design_effects_follow_their_definition(seed):
    random = np.random.default_rng(seed)
    sizes = [3, 10, 4, 7, 1, 15]
    clusters = [name for name, size in zip("abcdef", sizes, strict=True) for _ in range(size)]
    differences = random.choice([-1.0, -0.5, 0.0, 0.25, 1.0], size=40, p=[0.2, 0.1, 0.5, 0.1, 0.1]).tolist()
    lower, upper = stats.design_effects(stats.cluster_sums(differences, clusters))
    assert [lower[0], upper[0]] == pytest.approx(by_hand(differences, clusters))
    alike, estimate = stats.design_effect(differences, clusters)
    assert alike >= 1
    assert estimate == stats.clustered_mean(differences, clusters)


def test_what_differs_nowhere_or_everywhere_alike_has_the_assumed_effect():
    clusters = [place // 11 for place in range(44)]
    for value in (0.0, 1.0, -0.3):
        lower, upper = stats.design_effects(stats.cluster_sums([value] * 44, clusters))
        assert [lower[0], upper[0]] == pytest.approx([4.0, 4.0])
    assert assumed_effect(1) == 1.0
    assert assumed_effect(11) == pytest.approx(4.0)


def test_the_more_clusters_differ_the_less_is_assumed():
    def effect(differing):
        # One loss and one gain in each of so many clusters of ten: they show no correlation at all.
        differences = [[-1.0, 1.0, *[0.0] * 8] if cluster < differing else [0.0] * 10 for cluster in range(40)]
        names = [cluster for cluster in range(40) for _ in range(10)]
        lower, _ = stats.design_effects(stats.cluster_sums([value for own in differences for value in own], names))
        return lower[0]

    assumed = 1 + 9 * 0.3
    for differing in (2, 10, 40):
        assert effect(differing) == pytest.approx(max(1.0, 5 / (5 + differing) * assumed))


def test_sums_keep_losses_gains_and_squares_apart():
    sums = stats.cluster_sums([-1.0, 0.5, -0.25, 0.0, 1.0], ["x", "y", "x", "x", "y"])
    assert sums.lost.tolist() == [[1.25, 0.0]]
    assert sums.gained.tolist() == [[0.0, 1.5]]
    assert sums.squares.tolist() == [[1.0625, 1.25]]
    assert sums.sizes.tolist() == [3, 2]


def test_the_totals_of_clusters_are_what_they_differ_from_the_mean():
    totals = cluster_totals([-1.0, 0.5, -0.25, 0.0, 1.0], ["x", "y", "x", "x", "y"])
    # The mean is 0.05: -1.25 - 0.15 and 1.5 - 0.1.
    assert totals == pytest.approx([-1.4, 1.4])


@pytest.mark.parametrize("sizes", [[5, 5, 5, 5], [1, 2, 3, 7, 12], [40, 1, 1]])
def test_degrees_of_freedom_are_those_of_the_clustered_mean(sizes):
    names = np.repeat(np.arange(len(sizes)), sizes).tolist()
    assert satterthwaite(sizes) == pytest.approx(stats.clustered_mean(np.arange(float(len(names))).tolist(), names).degrees)
    if len(set(sizes)) == 1:
        assert satterthwaite(sizes) == pytest.approx(len(sizes) - 1)


def test_two_items_of_their_own_are_independent():
    for pair in ([-1.0, 0.0], [-1.0, 1.0], [0.5, 0.0]):
        lower, upper = stats.design_effects(stats.cluster_sums(pair, ["a", "b"]))
        assert [lower[0], upper[0]] == pytest.approx([1.0, 1.0])


def test_an_effect_for_values_of_either_sign_does_not_change_with_the_sign():
    random = np.random.default_rng(6)
    names = [place // 5 for place in range(60)]
    values = (random.normal(size=12).repeat(5) * 0.3 + random.normal(size=60) * 0.1).clip(-1, 1)
    effects = [stats.design_effect(signed.tolist(), names)[0] for signed in (values, -values)]
    assert effects[0] == pytest.approx(effects[1])
    assert effects[0] > 1.5


def test_a_tiny_loss_counts_as_none_so_that_nearly_all_of_the_effect_is_assumed():
    names = [place // 10 for place in range(40)]
    differences = [-0.1] + [0.0] * 39
    seen, assumed = 1.0, 1 + 9 * 0.3
    # The effective number of losing clusters is 1, and the sum of losses 0.1, the lesser of both.
    weight = 5 / 5.1
    lower, _ = stats.design_effects(stats.cluster_sums(differences, names))
    assert lower[0] == pytest.approx((1 - weight) * seen + weight * assumed, abs=0.01)


def test_evaluations_that_are_judged_together_have_the_effects_of_each_alone():
    random = np.random.default_rng(7)
    names = [place // 6 for place in range(48)]
    alone = [
        stats.cluster_sums(random.choice([-1.0, -0.5, 0.0, 1.0], size=48, p=[0.1 * scale, 0.05, 0.85 - 0.1 * scale, 0.1]).tolist(), names)
        for scale in (0, 1, 2, 4)
    ]
    together = stats.Sums(*(np.concatenate([one[part] for one in alone]) for part in range(3)), alone[0].sizes)
    for found, expected in zip(stats.design_effects(together), zip(*map(stats.design_effects, alone), strict=True), strict=True):
        assert found == pytest.approx([float(one[0]) for one in expected])
