"""Brier's score and the kernel calibration error beside published examples and their definitions."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.calibration import BANDWIDTH

distributions = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(lambda found: [value / sum(found) for value in found])


def test_brier_of_the_example_of_scikit_learn() -> None:
    """brier_score_loss([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3]) is 0.037 (printed so; 0.0375); over both outcomes, as Brier defines it, twice that."""
    found = [stats.brier([1 - p, p], right) for right, p in zip([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3], strict=True)]
    assert sum(found) / 4 == pytest.approx(2 * 0.0375)


def test_brier_of_his_own_table() -> None:
    """Brier 1950, table 1: ten forecasts of rain and no rain; the score is 0.19."""
    forecasts = [0.7, 0.9, 0.8, 0.4, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1]
    rained = [False, True, True, True, False, False, False, False, False, False]
    found = [stats.brier([p, 1 - p], 0 if rain else 1) for p, rain in zip(forecasts, rained, strict=True)]
    assert sum(found) / 10 == pytest.approx(0.19, abs=0.005)


@given(distributions, st.integers(0, 2))
def test_brier_lies_between_certain_and_right_and_certain_and_wrong(stated: list[float], right: int) -> None:
    assert 0 <= stats.brier(stated, right) <= 2
    assert stats.brier([float(place == right) for place in range(3)], right) == 0


@given(st.lists(st.tuples(distributions, st.integers(0, 2)), min_size=2, max_size=7))
def test_the_kernel_estimate_is_its_definition(items: list[tuple[list[float], int]]) -> None:
    stated, right = [one for one, _ in items], [place for _, place in items]
    expected = []
    for (p, y), (q, z) in itertools.islice(
        itertools.batched(items, 2) if hasattr(itertools, "batched") else zip(items[::2], items[1::2], strict=False), len(items) // 2
    ):
        kernel = math.exp(-sum(abs(one - other) for one, other in zip(p, q, strict=True)) / 2 / BANDWIDTH)
        expected.append(kernel * sum(((k == y) - p[k]) * ((k == z) - q[k]) for k in range(3)))
    assert stats.squared_kernel_calibration_error(stated, right) == pytest.approx(expected)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=40))
def test_pairs_are_of_two_clusters_and_no_cluster_is_of_two_numbers(clusters: list[int]) -> None:
    places, numbers = stats.independent_pairs(clusters)
    assert len(set(places)) == len(places) == 2 * len(numbers)
    owners: dict[int, int] = {}
    for first, second, number in zip(places[::2], places[1::2], numbers, strict=True):
        assert clusters[first] != clusters[second]
        assert owners.setdefault(clusters[first], number) == owners.setdefault(clusters[second], number) == number
    assert bool(numbers) is (len(set(clusters)) > 1)


def test_items_without_clusters_are_paired_with_their_neighbours() -> None:
    assert stats.independent_pairs(range(5)) == ([0, 1, 2, 3], [0, 1])
    assert stats.independent_pairs("aabbbc") == ([2, 0, 3, 1], [0, 0])


def test_the_kernel_estimate_is_zero_on_average_if_calibrated_and_not_if_not() -> None:
    generator = random.Random(0)
    calibrated, wrong = [], []
    for _ in range(200):
        stated = [[0.7, 0.3] if generator.random() < 0.5 else [0.2, 0.8] for _ in range(200)]
        right = [generator.choices((0, 1), values)[0] for values in stated]
        calibrated.append(sum(stats.squared_kernel_calibration_error(stated, right)) / 100)
        wrong.append(sum(stats.squared_kernel_calibration_error([values[::-1] for values in stated], right)) / 100)
    error = math.sqrt(sum(value**2 for value in calibrated)) / 200
    assert abs(sum(calibrated) / 200) < 3 * error
    assert sum(wrong) / 200 > 20 * error
