"""Betting capital: against a slow implementation, and fair under the null hypothesis."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from pytest_unicomp.compare import stats

MARGIN = 0.05


def slow_capital(differences, allowances, *, lowest, planned, prior_allowance):
    """Item by item, each stake found by search over its expected log growth, as the definition has it."""
    capital, path = [0.8, 0.2], []
    stakes = np.linspace(0, 0.95 / -lowest, 20001)
    guess = min(max(abs(planned), abs(prior_allowance), 0.001), 0.5)
    lost = gained = allowed = 0.0
    for seen, (difference, allowance) in enumerate(zip(differences, allowances, strict=True)):
        step = (allowed + 2 * prior_allowance) / (seen + 2)
        discordance = max((lost + gained + 50 * guess) / (seen + 50), abs(planned))
        guesses = [
            ((discordance - planned) / 2, (discordance + planned) / 2),
            ((lost + 25 * (guess - planned)) / (seen + 50), (gained + 25 * (guess + planned)) / (seen + 50)),
        ]
        for place, (losing, gaining) in enumerate(guesses):
            growth = losing * np.log1p(stakes * (step - 1)) + gaining * np.log1p(stakes * (step + 1))
            growth += (1 - losing - gaining) * np.log1p(stakes * step)
            capital[place] *= 1 + stakes[growth.argmax()] * (difference + allowance)
        path.append(log(sum(capital)))
        lost, gained, allowed = lost + max(-difference, 0.0), gained + max(difference, 0.0), allowed + allowance
    return path


@pytest.mark.parametrize(
    ("planned", "prior_allowance", "allowed"),
    [
        (0.0, MARGIN, (MARGIN, MARGIN)),
        (0.1, -MARGIN, (-MARGIN, -MARGIN)),
        (0.0, 0.0002, (0.0, 0.0004)),
        (0.0, 0.6, (0.4, 0.8)),
        (0.3, 0.1, (0.0, 0.2)),
    ],
)
def test_capital_agrees_with_a_slow_implementation(planned, prior_allowance, allowed):
    random = np.random.default_rng(5)
    differences = random.choice([-1.0, -0.5, 0.0, 0.25, 1.0], size=60, p=[0.05, 0.05, 0.75, 0.05, 0.1])
    allowances = random.uniform(*allowed, size=60)
    bets = {"lowest": allowed[0] - 1, "planned": planned, "prior_allowance": prior_allowance}
    assert stats.log_capital(differences, allowances, **bets) == pytest.approx(slow_capital(differences, allowances, **bets), abs=1e-3)


def test_a_stake_never_sees_its_own_item():
    differences = np.zeros((2, 30))
    differences[1, 20:] = -1
    path = stats.log_capital(differences, np.full((2, 30), MARGIN), lowest=MARGIN - 1, planned=0.0, prior_allowance=MARGIN)
    assert (path[0, :20] == path[1, :20]).all()
    assert path[1, 20] < path[0, 19]
    assert np.isfinite(path).all()


@pytest.mark.parametrize("kind", [0, 1])
def test_capital_does_not_grow_on_average_where_nothing_is_to_be_found(kind):
    random = np.random.default_rng(6)
    differences = random.choice([-1.0, 0.0, 1.0], size=(20000, 100), p=[0.1 + MARGIN / 2, 0.8, 0.1 - MARGIN / 2])
    path = stats.capital_paths(differences, np.full((1, 100), MARGIN), (MARGIN, MARGIN))[kind]
    final = np.exp(path[:, -1])
    assert final.mean() == pytest.approx(1.0, abs=5 * final.std() / 20000**0.5)
    assert (path >= -log(0.04)).any(axis=1).mean() <= 0.04 + 0.005


@pytest.mark.parametrize(("losing", "gaining", "step"), [(0.05, 0.05, 0.05), (0.02, 0.3, 0.1), (0.1, 0.02, 0.2), (0.001, 0.001, 0.01)])
def test_kellys_stake_is_where_expected_growth_is_largest(losing, gaining, step):
    def growth(stake):
        outcomes = ((losing, step - 1), (gaining, step + 1), (1 - losing - gaining, step))
        return -sum(chance * np.log1p(stake * pays) for chance, pays in outcomes)

    best = minimize_scalar(growth, bounds=(0, 0.999999 / (1 - step)), method="bounded", options={"xatol": 1e-10}).x
    assert float(stats.kelly(losing, gaining, step)) == pytest.approx(best, abs=1e-5)


def test_nothing_is_staked_on_a_bet_that_loses_on_average():
    assert float(stats.kelly(0.2, 0.05, 0.1)) == 0.0
    assert stats.kelly(np.array([0.2, 0.05]), np.array([0.05, 0.2]), 0.1).tolist() == [
        0.0,
        pytest.approx(float(stats.kelly(0.05, 0.2, 0.1))),
    ]


def test_one_item_never_costs_more_than_its_share_of_the_capital():
    lost = stats.log_capital([-1.0] * 5, [0.3] * 5, lowest=-0.7, planned=0.0, prior_allowance=0.3)
    assert np.diff([0.0, *lost]).min() >= log(1 - 0.95) - 1e-9
    assert lost[-1] < lost[0] < 0


def test_a_planned_loss_bets_on_losses_and_wins_when_they_come():
    differences = np.array([-1.0] * 12)
    for_fail = stats.log_capital(-differences, np.full(12, -MARGIN), lowest=-MARGIN - 1, planned=2 * MARGIN, prior_allowance=-MARGIN)
    for_pass = stats.log_capital(differences, np.full(12, MARGIN), lowest=MARGIN - 1, planned=0.0, prior_allowance=MARGIN)
    assert for_fail[-1] > 3
    assert for_pass[-1] < 0
    paths = stats.capital_paths(differences, np.full(12, MARGIN), (MARGIN, MARGIN))
    assert paths[0] == pytest.approx(for_pass)
    assert paths[1] == pytest.approx(for_fail)


def test_allowances_that_differ_are_averaged_as_they_come():
    same = stats.log_capital([0.0] * 4, [0.1] * 4, lowest=-0.9, planned=0.0, prior_allowance=0.1)
    rising = stats.log_capital([0.0] * 4, [0.1, 0.2, 0.2, 0.2], lowest=-0.9, planned=0.0, prior_allowance=0.1)
    assert same[0] == rising[0]
    assert (rising[1:] > same[1:]).all()
