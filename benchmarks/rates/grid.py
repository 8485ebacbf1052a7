"""Simulates the whole grid: `python -m benchmarks.rates.grid`; interrupted, it goes on. `--quick` measures every fortieth cell and keeps nothing.

First 2,000 replicates of every cell; then 20,000 new ones of each whose rates may lie beyond alpha + 0.01 by their upper confidence bound.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict

from benchmarks.rates import evidence
from benchmarks.rates.cells import Cell, cells
from benchmarks.rates.measure import PROMISED, Rates, measure

NAME = "grid"
FIRST, SECOND = 2_000, 20_000
RATES = tuple(Rates.__dataclass_fields__)


def stored() -> dict[Cell, Rates]:
    """Return the cells measured so far, each with the rates that rest on the most replicates."""
    found: dict[Cell, Rates] = {}
    for row in evidence.read(NAME):
        rates = Rates(**{name: row.pop(name) for name in RATES})
        cell = Cell(**row)
        if cell not in found or found[cell].replicates <= rates.replicates:
            found[cell] = rates
    return found


def missing(known: dict[Cell, Rates]) -> Iterator[tuple[Cell, int]]:
    """Return what is left to measure: cells without any rates, then those whose rates must be known better."""
    for cell in cells():
        if cell not in known:
            yield cell, FIRST
    for cell in cells():
        if known[cell].replicates < SECOND and known[cell].bound > PROMISED:
            yield cell, SECOND


def main() -> None:
    """Measure what is left, or every fortieth cell."""
    if "--quick" in sys.argv[1:]:
        for cell in itertools.islice(cells(), 0, None, 40):
            print(cell, measure(cell, 500, 0), flush=True)
        return
    known = stored()
    for cell, replicates in missing(known):
        began = time.process_time()
        known[cell] = measure(cell, replicates, int(replicates == SECOND))
        evidence.append(NAME, {**asdict(cell), **asdict(known[cell])})
        print(f"{time.process_time() - began:6.1f} s  {cell}  {known[cell]}", flush=True)


if __name__ == "__main__":
    main()
