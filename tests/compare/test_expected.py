"""What is expected of a benchmark before it is run: how much items vary, alone and in clusters, and how many decide."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.expected import design_effect, discordance, items_to_decide, spread

differences = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.0, 0.25, 1.0]), min_size=2, max_size=40)


@given(differences)
def test_the_spread_of_nats_is_their_deviation_and_that_of_partial_credit_half_a_flip_more(values):
    variance = float(np.var(values, ddof=1))
    assert spread(values, bounded=False) == pytest.approx(sqrt(variance))
    assert spread(values, bounded=True) == pytest.approx(sqrt((variance * len(values) + 0.5) / (len(values) + 1)))


@given(differences, st.integers(1, 6))
def test_the_design_effect_is_that_of_the_end_that_clusters_widen_more(values, clusters):
    names = [str(place % clusters) for place in range(len(values))]
    found = design_effect(values, names)
    assert found >= 1
    if 1 < len(set(names)) < len(values):
        ends = stats.design_effects(stats.cluster_sums(values, names))
        assert found == max(float(end[0]) for end in ends)
        assert design_effect([-value for value in values], names) == pytest.approx(found)
    else:
        assert found == 1


def test_two_clusters_have_a_design_effect_and_items_without_or_of_their_own_have_none():
    lost = [-1.0] * 5 + [0.0] * 5
    assert design_effect(lost, ["a"] * 5 + ["b"] * 5) > 2
    assert design_effect(lost, None) == design_effect(lost, list("abcdefghij")) == design_effect(lost, ["a"] * 10) == 1


def check(**fields):
    return {"n": 200, "discordance": 0.1, "spread": None, "design_effect": 1.0, **fields}


def test_right_or_wrong_items_decide_by_their_flips_and_others_by_their_spread():
    flips = items_to_decide(check(), 0.05, -0.01, alpha=0.05)
    assert flips == stats.items_to_decide(discordance(20, 200), 0.05, difference=-0.01, alpha=0.05)
    # The discordance of items with partial credit says how many differ, not by how much.
    varied = items_to_decide(check(discordance=0.9, spread=0.3), 0.05, -0.04, alpha=0.05)
    assert varied == stats.items_to_decide(0.3**2 + 0.04**2, 0.05, difference=-0.04, rate=False, alpha=0.05)
    # Half a flip is expected even if none was seen.
    never = items_to_decide(check(discordance=0.0), 0.05, 0.0, alpha=0.05)
    assert never == items_to_decide(check(discordance=None), 0.05, 0.0, alpha=0.05) < 100


def test_items_in_clusters_need_as_many_more_as_their_design_effect_says():
    alone, twice = (items_to_decide(check(spread=0.3, design_effect=effect), 0.05, -0.01, alpha=0.05) for effect in (1.0, 2.0))
    assert twice == pytest.approx(2 * alone, abs=1)
    assert items_to_decide(check(), 0.05, -0.05, alpha=0.05) is None
