"""Measures the error rates of a cell: how often evaluations at a drop equal to the margin, and at none, pass and fail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.rates import draw
from benchmarks.rates.cells import Cell
from pytest_unicomp.compare import stats

ALPHA, PROMISED = 0.05, 0.06
# Numbers held at once.
CHUNK = 4_000_000


@dataclass(frozen=True)
class Rates:
    """At a true drop equal to the margin: PASS and FAIL. At no drop: FAIL and PASS. `replicates` that each rests on."""

    false_pass: float
    false_fail: float
    unchanged_fails: float
    unchanged_passes: float
    replicates: int

    @property
    def worst(self) -> float:
        """The largest of the error rates."""
        return max(self.false_pass, self.false_fail, self.unchanged_fails)

    @property
    def bound(self) -> float:
        """The upper 95 % confidence bound of the largest error rate (Wilson)."""
        return stats.wilson_interval(self.worst * self.replicates, self.replicates, confidence=0.9)[1]


def decide(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> stats.Decisions:
    """Draw evaluations and return the verdicts of `paired_difference`."""
    if cell.kind == "unbounded":
        before, after, place = draw.scores(cell, drop, replicates, random)
        return stats.decide_unbounded(before, after, None if len(cell.sizes) == 1 else place, margin=cell.margin, alpha=ALPHA)
    found = draw.sums(cell, drop, replicates, random)
    if cell.kind in ("partial credit", "one between"):
        return stats.decide_sums(found, margin=cell.margin, alpha=ALPHA)
    if cell.kind == "0 to 100":
        return stats.decide_spread(found, _flips(found, cell.n), margin=cell.margin, alpha=ALPHA)
    lost, gained, _, sizes = found
    if len(sizes) == 1:
        return stats.decide_counts(lost[:, 0], gained[:, 0], cell.n, margin=cell.margin, alpha=ALPHA)
    return stats.decide_clustered(lost, gained, sizes, margin=cell.margin, alpha=ALPHA)


def _flips(found: stats.Sums, n: int) -> stats.Spread:
    """Return the spread of differences that are -1, 0 or 1; the size that one may have is 1."""
    mean, square = ((part.sum(axis=1) / n) for part in (found.gained - found.lost, found.squares))
    variance = np.maximum(square - mean**2, 0.0)
    third = mean - 3 * mean * square + 2 * mean**3
    skewness = np.where(variance > 1e-12, third / np.maximum(variance, 1e-12) ** 1.5, 0.0)
    return stats.Spread(mean, np.sqrt(variance * n / (n - 1)), skewness, np.ones(len(mean)))


def measure(cell: Cell, replicates: int, stage: int) -> Rates:
    """Simulate one cell with a seed of its own and of the stage, in chunks."""
    random = cell.random(stage)
    found = np.zeros(4)
    width = 4 * cell.n if cell.kind == "unbounded" else 4 * len(cell.sizes)
    rows = max(1, CHUNK // width)
    for start in range(0, replicates, rows):
        many = min(rows, replicates - start)
        edge, same = decide(cell, cell.margin, many, random), decide(cell, 0.0, many, random)
        found += [side.sum() for side in (edge.passes, edge.fails, same.fails, same.passes)]
    return Rates(*(float(count) / replicates for count in found), replicates)
