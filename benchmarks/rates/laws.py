"""Simulates right-or-wrong items whose rates vary between clusters by other laws than the grid's: `python -m benchmarks.rates.laws`; interrupted, it goes on.

"losses alone": the rate of losses is a beta draw of each cluster, gains are as likely everywhere. "apart": gains have a beta draw of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict
from typing import Literal

import numpy as np

from benchmarks.rates import evidence
from benchmarks.rates.cells import Cell, cells
from benchmarks.rates.measure import ALPHA, PROMISED
from pytest_unicomp.compare import stats

NAME = "laws"
Law = Literal["losses alone", "apart"]
LAWS: tuple[Law, ...] = ("losses alone", "apart")
FIRST, SECOND, CHUNK = 2_000, 20_000, 2_000


def draw(cell: Cell, law: Law, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return lost and gained items at a drop equal to the margin, shape (replicates, clusters)."""
    shape, spread = (replicates, len(cell.sizes)), (1 - cell.correlation) / cell.correlation
    losing, gaining = cell.rates(cell.margin)
    lost = random.binomial(cell.sizes, random.beta(losing * spread, (1 - losing) * spread, size=shape))
    left = max(gaining / (1 - losing), 1e-9)
    own = random.beta(left * spread, (1 - left) * spread, size=shape) if law == "apart" else left
    return lost, random.binomial(cell.sizes - lost, own)


def measure(cell: Cell, law: Law, replicates: int, stage: int) -> tuple[float, float]:
    """Return false PASS and false FAIL."""
    random, found = cell.random(20 + 10 * LAWS.index(law) + stage), np.zeros(2)
    for start in range(0, replicates, CHUNK):
        lost, gained = draw(cell, law, min(CHUNK, replicates - start), random)
        decided = stats.decide_clustered(lost, gained, cell.sizes, margin=cell.margin, alpha=ALPHA)
        found += [side.sum() for side in decided]
    return found[0] / replicates, found[1] / replicates


def stored() -> dict[tuple[Cell, str], tuple[float, float, int]]:
    """Return false PASS, false FAIL and replicates of what was measured so far; the last row of a cell counts."""
    found = {}
    for row in evidence.read(NAME):
        rates = (row.pop("false_pass"), row.pop("false_fail"), row.pop("replicates"))
        found[row.pop("law"), Cell(**row)] = rates
    return {(cell, law): rates for (law, cell), rates in found.items()}


def missing(known: dict[tuple[Cell, str], tuple[float, float, int]]) -> Iterator[tuple[Cell, Law, int]]:
    """Return what is left to measure: cells without any rates, then those whose rates may lie beyond the promise."""
    own = [cell for cell in cells() if cell.kind == "0/1" and cell.clusters != "none"]
    every = list(itertools.product(own, LAWS))
    yield from ((cell, law, FIRST) for cell, law in every if (cell, law) not in known)
    for cell, law in every:
        passes, fails, replicates = known[cell, law]
        worst = max(passes, fails)
        if replicates < SECOND and stats.wilson_interval(worst * replicates, replicates, confidence=0.9)[1] > PROMISED:
            yield cell, law, SECOND


def main() -> None:
    """Measure what is left."""
    known = stored()
    for cell, law, replicates in missing(known):
        passes, fails = measure(cell, law, replicates, int(replicates == SECOND))
        known[cell, law] = (passes, fails, replicates)
        evidence.append(NAME, {**asdict(cell), "law": law, "false_pass": passes, "false_fail": fails, "replicates": replicates})


if __name__ == "__main__":
    main()
