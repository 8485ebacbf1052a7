"""Betting capital: against a slow implementation, and fair under the null hypothesis."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from pytest_unicomp.compare import stats

MARGIN = 0.05


def slow_capital(differences, margin):
    """Item by item, each stake found by search over its expected log growth, as the definition has it."""
    capital, path = [0.8, 0.2], []
    stakes = np.linspace(0, 0.95 / (1 - margin), 20001)
    lost = gained = 0
    for seen, difference in enumerate(differences):
        discordance = (lost + gained + 50 * margin) / (seen + 50)
        guesses = [
            (discordance / 2, discordance / 2),
            ((lost + 25 * margin) / (seen + 50), (gained + 25 * margin) / (seen + 50)),
        ]
        for place, (losing, gaining) in enumerate(guesses):
            growth = losing * np.log1p(stakes * (margin - 1)) + gaining * np.log1p(stakes * (margin + 1))
            growth += (1 - losing - gaining) * np.log1p(stakes * margin)
            capital[place] *= 1 + stakes[growth.argmax()] * (difference + margin)
        path.append(log(sum(capital)))
        lost, gained = lost + (difference < 0), gained + (difference > 0)
    return path


def test_capital_agrees_with_a_slow_implementation():
    random = np.random.default_rng(5)
    differences = random.choice([-1.0, 0.0, 1.0], size=60, p=[0.1, 0.8, 0.1])
    fast = stats.log_capital(differences, np.full(60, MARGIN), lowest=MARGIN - 1, planned=0.0, prior_allowance=MARGIN)
    assert fast == pytest.approx(slow_capital(differences, MARGIN), abs=1e-3)


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
