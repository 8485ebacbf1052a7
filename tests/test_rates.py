"""The simulations of error rates must reach the verdicts of the package itself, go on where they stopped, and count what they keep."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.rates import draw, evidence, grid, measure, stopping
from benchmarks.rates.cells import KINDS, Cell, cells
from pytest_unicomp.compare import stats


@pytest.mark.parametrize(("clusters", "correlation"), [("none", 0.0), (12, 0.3), ("half", 0.1)])
@pytest.mark.parametrize("kind", ["0/1", "partial credit"])
def test_early_stopping_is_simulated_by_its_own_rule(clusters, correlation, kind):
    cell = stopping.alone(Cell(120, clusters, correlation, kind, 0.2))
    random = np.random.default_rng(3)
    found = draw.sums(cell, 0.1, 6, random)
    net, sizes = stopping.shuffled(found, random)
    decided, used = stopping.decide(cell, found, net, sizes)
    for row in range(6):
        # Each cluster's net difference, spread evenly over its items, bets the same; the full set is tested elsewhere.
        names = np.repeat(np.arange(len(sizes[row])), sizes[row])
        change = (net[row] / sizes[row])[names]
        before = np.maximum(-change, 0.0)
        early = stats.sequential_difference(
            before.tolist(),
            (before + change).tolist(),
            None if clusters == "none" else names.tolist(),
            alpha=measure.ALPHA,
            total=cell.n + 1,
            allowances=[cell.margin] * cell.n,
            allowed=(cell.margin, cell.margin),
        )
        assert used[row] == early.items
        assert early.verdict in (None, "pass" if decided.passes[row] else "fail")


@pytest.mark.parametrize("kind", KINDS)
def test_draws_lose_just_what_is_named(kind):
    cell = Cell(400, 12, 0.1, kind, 0.2)
    random = np.random.default_rng(5)
    if kind == "unbounded":
        before, after, _ = draw.scores(cell, cell.margin, 2000, random)
        loss, flips = (before - after).mean(), (before != after).mean()
    else:
        found = draw.sums(cell, cell.margin, 2000, random)
        loss, flips = (found.lost - found.gained).sum() / 2000 / 400, (found.lost + found.gained).sum() / 2000 / 400 / cell.flip
    assert loss == pytest.approx(cell.margin, abs=0.006)
    assert flips == pytest.approx(0.2, abs=0.015)


def test_scores_from_0_to_100_are_decided_from_their_counts_as_from_their_scores():
    cell = Cell(150, "none", 0.0, "0 to 100", 0.2)
    random = np.random.default_rng(2)
    found = draw.sums(cell, 0.0, 40, random)
    fast = stats.decide_spread(found, measure._flips(found, 150), margin=0.1, alpha=0.05)
    for row in range(40):
        lost, gained = int(found.lost[row, 0]), int(found.gained[row, 0])
        before = [100.0] * lost + [0.0] * gained + [100.0] * (150 - lost - gained)
        after = [0.0] * lost + [100.0] * (150 - lost)
        pair = stats.paired_difference(before, after, alpha=0.05, margin=10.0, bounded=False)
        assert (pair.lower > -10, pair.upper < -10) == (fast.passes[row], fast.fails[row])


def test_the_grid_holds_every_combination_with_fewer_clusters_than_items():
    # Per kind: 5 sizes, each without clusters and with 5 kinds of clusters at 2 correlations; 40 clusters of 30 items are not possible.
    assert len(set(cells())) == 5 * 4 * (5 * 11 - 2)


def test_an_interrupted_simulation_goes_on_with_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "FOLDER", tmp_path)
    first, second = list(cells())[:2]
    clear, near = measure.Rates(0.01, 0.01, 0.0, 0.5, 2000), measure.Rates(0.055, 0.01, 0.0, 0.5, 2000)
    for cell, rates in ((first, clear), (second, near)):
        evidence.append("grid", {**vars(cell), **vars(rates)})
    with (tmp_path / "grid.jsonl").open("a") as file:
        file.write('{"n": 30, "clus')
    assert grid.stored() == {first: clear, second: near}
    left = grid.missing(grid.stored())
    assert next(left) == (list(cells())[2], 2000)
    known = dict.fromkeys(cells(), clear) | {second: near}
    assert list(grid.missing(known)) == [(second, 20_000)]
    evidence.append("grid", {**vars(second), **vars(measure.Rates(0.05, 0.01, 0.0, 0.5, 20_000))})
    assert grid.stored()[second].replicates == 20_000
