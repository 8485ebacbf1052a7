"""Detectable effects, and how many items decide: against simulation by the tests that decide."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.compare import stats

# The tests work on whole counts, so the power of few items jumps: the formula keeps it within these bounds, near 0.8 for many.
LOWEST, HIGHEST = 0.7, 0.995


def test_the_smallest_effect_is_seen_with_eighty_percent_power():
    # 2.4865 = 1.6449 + 0.8416: one-sided 5 %, power 80 %.
    assert stats.minimum_detectable_effect(0.01, alpha=0.05) == pytest.approx(0.024865, abs=1e-6)


@pytest.mark.parametrize("margin", [0.02, 0.03, 0.05, 0.1])
@pytest.mark.parametrize("discordance", [0.001, 0.003, 0.01, 0.02, 0.05, 0.1])
def test_so_many_items_decide_with_about_the_power_that_was_asked_for(margin, discordance):
    n = stats.items_to_decide(discordance, margin, alpha=0.05)
    counts = np.random.default_rng(n).multinomial(n, [discordance / 2, discordance / 2, 1 - discordance], size=2000)
    passes = stats.decide_counts(counts[:, 0], counts[:, 1], n, margin=margin, alpha=0.05).passes.mean()
    assert LOWEST < passes < HIGHEST
    if discordance >= 0.05 and n > 200:
        assert passes == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(("difference", "side"), [(-0.01, "passes"), (0.01, "passes"), (-0.08, "fails")])
def test_a_loss_that_was_seen_is_decided_on_its_own_side_of_the_margin(difference, side):
    n = stats.items_to_decide(0.1, 0.05, difference=difference, alpha=0.05)
    counts = np.random.default_rng(n).multinomial(n, [(0.1 - difference) / 2, (0.1 + difference) / 2, 0.9], size=4000)
    found = stats.decide_counts(counts[:, 0], counts[:, 1], n, margin=0.05, alpha=0.05)
    assert getattr(found, side).mean() == pytest.approx(0.8, abs=0.04)


def test_scores_of_another_kind_need_what_the_normal_test_does():
    n = stats.items_to_decide(0.04**2, 0.01, rate=False, alpha=0.05)
    assert n == pytest.approx((2.4865 * 0.04 / 0.01) ** 2, abs=1)


@given(st.floats(0.0, 0.5), st.floats(0.005, 0.2), st.floats(1.0, 9.0))
def test_clusters_multiply_the_items_and_a_wider_margin_saves_some(discordance, margin, effect):
    alone = stats.items_to_decide(discordance, margin, alpha=0.05)
    assert stats.items_to_decide(discordance, margin, design_effect=effect, alpha=0.05) == pytest.approx(effect * alone, abs=effect + 1)
    assert stats.items_to_decide(discordance, 2 * margin, alpha=0.05) <= alone


def test_on_the_margin_no_number_of_items_decides():
    assert stats.items_to_decide(0.1, 0.03, difference=-0.03, alpha=0.05) is None
    assert stats.items_to_decide(0.1, 0.0, alpha=0.05) is None


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_verdicts_far_from_the_limit_are_those_of_the_exact_tail(alpha):
    for n in (30, 98, 150, 400):
        for margin in (0.02, 0.05):
            lost, gained = (side.ravel() for side in np.mgrid[0:9, 0:9])
            found = stats.decide_counts(lost, gained, n, margin=margin, alpha=alpha)
            assert list(found.passes) == [
                stats.exact_tail(g, b, n, -margin) <= alpha for b, g in zip(lost.tolist(), gained.tolist(), strict=True)
            ]
            assert list(found.fails) == [
                stats.exact_tail(b, g, n, margin) <= alpha for b, g in zip(lost.tolist(), gained.tolist(), strict=True)
            ]


def test_without_a_flip_the_rule_of_three_still_asks_for_items():
    n = stats.items_to_decide(0.0, 0.03, alpha=0.05)
    assert stats.decide_counts([0], [0], n, margin=0.03, alpha=0.05).passes[0]
    assert not stats.decide_counts([0], [0], n - 2, margin=0.03, alpha=0.05).passes[0]
