"""Stopping early: the capital against a slow implementation, error rates by simulation, and an interval that agrees with the verdict."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats

MARGIN = 0.05
pairs_of_scores = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=150)


def judged(before, after, *, margin=MARGIN, clusters=None, total=None, **more):
    return stats.sequential_difference(
        before, after, clusters, alpha=0.05, total=total or len(before), allowances=[margin] * len(before), allowed=(margin, margin), **more
    )


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


def test_the_sequential_mode_saves_items_and_keeps_both_error_rates():
    random = np.random.default_rng(7)
    wrong_pass = wrong_fail = 0
    for _ in range(400):
        after = random.choice([-1.0, 0.0, 1.0], size=300, p=[0.125, 0.8, 0.075])
        found = judged((after < 0).astype(float).tolist(), (after > 0).astype(float).tolist())
        wrong_pass += found.verdict == "pass"
        wrong_fail += found.verdict == "fail"
    assert wrong_pass <= 400 * 0.05 + 14
    assert wrong_fail <= 400 * 0.05 + 14
    same = judged([1.0] * 1000, [1.0] * 1000)
    assert same.verdict == "pass"
    assert same.items < 150


@settings(max_examples=60, deadline=None)
@given(pairs_of_scores, st.floats(0.005, 0.4))
def test_interval_and_verdict_agree_wherever_it_stops(pairs, margin):
    before, after = (list(side) for side in zip(*pairs, strict=True))
    found = judged(before, after, margin=margin)
    assert found.found is not None
    lower, upper = found.found.lower, found.found.upper
    assert (lower > -margin, upper < -margin) == (found.verdict == "pass", found.verdict == "fail")
    assert -1.5 <= lower <= found.found.difference <= upper <= 1.5
    assert (found.found.p_value <= (0.05 if not found.final else 0.01)) == (found.verdict == "fail")
    assert 1 <= found.items <= len(pairs)


@settings(max_examples=40, deadline=None)
@given(pairs_of_scores, st.integers(1, 150))
def test_items_after_the_stop_never_change_the_answer(pairs, extra):
    before, after = (list(side) for side in zip(*pairs, strict=True))
    first = judged(before, after, total=len(pairs) + extra)
    if first.verdict is not None:
        assert judged(before + [1.0] * extra, after + [0.0] * extra) == first
    else:
        assert (first.final, first.found) == (False, None)


def test_clusters_are_bet_on_whole_and_must_stay_together():
    before, after = [1.0] * 400, [1.0] * 400
    alone = judged(before, after)
    clusters = [place // 4 for place in range(400)]
    together = judged(before, after, clusters=clusters)
    assert together.items > alone.items
    assert together.items % 4 == 0
    with pytest.raises(UnicompError, match="one after the other"):
        judged(before, after, clusters=[place % 100 for place in range(400)])


def test_what_cannot_be_bet_on_is_refused():
    with pytest.raises(UnicompError, match="scores in"):
        judged([3.0], [1.0])
    with pytest.raises(UnicompError, match="at most all"):
        judged([1.0, 1.0], [1.0, 1.0], total=1)
