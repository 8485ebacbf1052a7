"""Conformal sets: the threshold of the published recipe, sizes by hand, and the promised coverage."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare.stats.conformal import set_sizes, threshold


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.sampled_from([0.05, 0.1, 0.25, 0.5]))
def test_the_threshold_is_numpys_higher_quantile_at_the_published_level(scores: list[float], error: float) -> None:
    """Angelopoulos & Bates 2021, figure 2: q_level = ceil((n+1)*(1-alpha))/n; np.quantile(cal_scores, q_level, method='higher')."""
    import numpy as np

    level = math.ceil((len(scores) + 1) * (1 - error)) / len(scores)
    expected = math.inf if level > 1 else float(np.quantile(scores, level, method="inverted_cdf"))
    assert threshold(scores, error) == expected


def test_sizes_by_hand() -> None:
    # Scores 1 - p: 0.1, 0.5, 0.2, 0.6; an error of 0.5 takes the second of each half, ceil(3 * 0.5): 0.6 of the odd, 0.2 of the even places.
    stated = [[0.9, 0.1], [0.5, 0.5], [0.8, 0.2], [0.4, 0.6]]
    assert set_sizes(stated, [0, 0, 0, 0], error=0.5) == [1, 0, 1, 0]


@pytest.mark.parametrize("sharpen", [0.5, 1, 5])
def test_the_right_option_is_in_the_set_as_often_as_promised_whatever_the_model_states(sharpen: float) -> None:
    generator = random.Random(1)
    held = []
    for _ in range(300):
        stated, right = [], []
        for _ in range(60):
            weights = [generator.random() + 0.01 for _ in range(4)]
            right.append(generator.choices(range(4), weights)[0])
            powers = [weight**sharpen for weight in weights]
            stated.append([value / sum(powers) for value in powers])
        # Only the right option, with the others out of reach: the size then says if it is in the set.
        only = [[values[place]] + [-1.0] * 3 for values, place in zip(stated, right, strict=True)]
        held += set_sizes(only, [0] * 60, error=0.1)
    assert 0.89 < sum(held) / len(held) < 0.94


def test_too_few_items_for_a_threshold_give_whole_sets() -> None:
    assert set_sizes([[0.9, 0.1]] * 4, [0] * 4, error=0.1) == [2, 2, 2, 2]


def test_the_smallest_score_is_the_threshold_where_nearly_all_may_be_missed() -> None:
    assert threshold([0.3, 0.1], 0.9) == 0.1
    assert threshold([], 0.1) == math.inf


def test_each_half_takes_its_threshold_from_the_whole_of_the_other_and_what_lies_on_it_is_in() -> None:
    # Scores 1 - p of the even places: 0.5, 0.25, 0.5; of the odd ones: 0.75, 0.5, 0.25; an error of 0.5 takes the second smallest of three.
    right = [0.5, 0.25, 0.75, 0.5, 0.5, 0.75]
    stated = [[value, 0.5, 0.25] for value in right]
    # Both thresholds are 0.5: what has probability 0.5 is in each set, 0.25 in none.
    assert set_sizes(stated, [0] * 6, error=0.5) == [2, 1, 2, 2, 2, 2]
    # Without 0.25 in the first odd place its half would say 0.25, and the even places would name fewer.
    certain = [[value, 0.5] for value in (0.5, 1.0, 0.5, 0.5, 0.5, 0.5)]
    assert set_sizes(certain, [0] * 6, error=0.5) == [2, 2, 2, 2, 2, 2]
    assert set_sizes([[1.0, 0.5]] * 2 + certain[2:], [0] * 6, error=0.5) == [2, 2, 2, 2, 2, 2]


def test_the_first_odd_place_counts_for_the_even_ones() -> None:
    # Scores of the odd places: 0.5 and 0.6; an option of probability 0.45 lies within 0.6 and beyond all scores of even places.
    stated = [[0.9, 0.45], [0.5, 0.5], [0.8, 0.2], [0.4, 0.6]]
    assert set_sizes(stated, [0, 0, 0, 0], error=0.5) == [2, 0, 1, 0]
