"""Simulates early stopping with clusters and partial credit: `python -m benchmarks.rates.stopping`; interrupted, it goes on.

The capital is looked at after every item, or after every cluster; what stays undecided is tested on the full set.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import draw, evidence
from benchmarks.rates.cells import Cell, cells
from benchmarks.rates.measure import ALPHA, PROMISED
from pytest_unicomp.compare import stats

NAME = "stopping"
FIRST, SECOND = 2_000, 20_000
SIZES, KINDS = (150, 400, 1300), ("0/1", "one between", "partial credit")
CHUNK = 1_500_000


@dataclass(frozen=True)
class Stopping:
    """At a true drop equal to the margin: PASS and FAIL. At no drop: FAIL, PASS, and the mean share of the items that were used."""

    false_pass: float
    false_fail: float
    unchanged_fails: float
    unchanged_passes: float
    unchanged_items: float
    replicates: int

    @property
    def worst(self) -> float:
        """The largest of the error rates."""
        return max(self.false_pass, self.false_fail, self.unchanged_fails)

    @property
    def bound(self) -> float:
        """The upper 95 % confidence bound of the largest error rate (Wilson)."""
        return stats.wilson_interval(self.worst * self.replicates, self.replicates, confidence=0.9)[1]


def alone(cell: Cell) -> Cell:
    """Return the cell with independent items as clusters of one, which is how early stopping looks at them."""
    return cell if cell.clusters != "none" else Cell(cell.n, cell.n, 0.0, cell.kind, cell.discordance)


def shuffled(sums: stats.Sums, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the net sums and the sizes of the clusters, each evaluation in an order of its own."""
    net = sums.gained - sums.lost
    order = random.permuted(np.tile(np.arange(net.shape[1]), (len(net), 1)), axis=1)
    return np.take_along_axis(net, order, axis=1), sums.sizes[order]


def stop(cell: Cell, sums: stats.Sums, random: np.random.Generator) -> tuple[stats.Decisions, np.ndarray]:
    """Return the verdicts of `sequential_difference`, and how many items each evaluation used."""
    net, sizes = shuffled(sums, random)
    return decide(cell, sums, net, sizes)


def decide(cell: Cell, sums: stats.Sums, net: np.ndarray, sizes: np.ndarray) -> tuple[stats.Decisions, np.ndarray]:
    """Bet on the clusters in the order given, then test the full set."""
    scale = sums.sizes.max()
    allowed = (cell.margin, cell.margin) if (sums.sizes == scale).all() else (0.0, cell.margin)
    paths = stats.capital_paths(net / scale, cell.margin * sizes / scale, allowed)
    good, bad = (crossed(path) for path in paths)
    units = net.shape[1]
    early = stats.Decisions((good <= units) & (good <= bad), (bad <= units) & (bad < good))
    last = full(cell, sums)
    open_ = ~early.passes & ~early.fails
    used = np.take_along_axis(np.cumsum(sizes, axis=1), np.minimum(np.minimum(good, bad), units)[:, None] - 1, axis=1)[:, 0]
    return stats.Decisions(early.passes | (open_ & last.passes), early.fails | (open_ & last.fails)), used


def full(cell: Cell, sums: stats.Sums) -> stats.Decisions:
    """Return the verdicts of the full set at what is left of alpha."""
    alpha = ALPHA * (1 - stats.EARLY_SHARE)
    if len(sums.sizes) < cell.n:
        return stats.decide_sums(sums, margin=cell.margin, alpha=alpha)
    joined = stats.Sums(*(part.sum(axis=1, keepdims=True) for part in sums[:3]), np.array([cell.n]))
    return stats.decide_sums(joined, margin=cell.margin, alpha=alpha)


def crossed(path: np.ndarray) -> np.ndarray:
    """Return after how many units each path first reaches the limit of the early share of alpha, or one more than there are."""
    hits = path >= -math.log(stats.EARLY_SHARE * ALPHA)
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, path.shape[1] + 1)


def measure(cell: Cell, replicates: int, stage: int) -> Stopping:
    """Simulate one cell with a seed of its own and of the stage, in chunks."""
    random, found = cell.random(10 + stage), np.zeros(5)
    simulated = alone(cell)
    rows = max(1, CHUNK // len(simulated.sizes))
    for start in range(0, replicates, rows):
        many = min(rows, replicates - start)
        edge, _ = stop(simulated, draw.sums(simulated, cell.margin, many, random), random)
        same, used = stop(simulated, draw.sums(simulated, 0.0, many, random), random)
        found += [side.sum() for side in (edge.passes, edge.fails, same.fails, same.passes, used / cell.n)]
    return Stopping(*(float(count) / replicates for count in found), replicates)


def stored() -> dict[Cell, Stopping]:
    """Return the cells measured so far, each with the rates that rest on the most replicates."""
    found: dict[Cell, Stopping] = {}
    for row in evidence.read(NAME):
        rates = Stopping(**{name: row.pop(name) for name in Stopping.__dataclass_fields__})
        found[Cell(**row)] = rates
    return found


def missing(known: dict[Cell, Stopping]) -> Iterator[tuple[Cell, int]]:
    """Return what is left to measure: cells without any rates, then those whose rates must be known better."""
    own = [cell for cell in cells() if cell.n in SIZES and cell.kind in KINDS]
    yield from ((cell, FIRST) for cell in own if cell not in known)
    yield from ((cell, SECOND) for cell in own if known[cell].replicates < SECOND and known[cell].bound > PROMISED)


def main() -> None:
    """Measure what is left."""
    known = stored()
    for cell, replicates in missing(known):
        began = time.process_time()
        known[cell] = measure(cell, replicates, int(replicates == SECOND))
        evidence.append(NAME, {**asdict(cell), **asdict(known[cell])})
        print(f"{time.process_time() - began:6.1f} s  {cell}  {known[cell]}", flush=True)


if __name__ == "__main__":
    main()
