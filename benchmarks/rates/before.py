"""Joins the rates of an earlier rule, which evidence/before.jsonl keeps, with those of the grid.

The earlier rule assumed a correlation of 0.1 for few flips, and Student's t for all scores but 0 and 1; its code is gone.
"""

from __future__ import annotations

from typing import Any

from benchmarks.rates import evidence, grid
from benchmarks.rates.cells import Cell
from benchmarks.rates.measure import Rates


def joined() -> list[tuple[Cell, dict[str, Any], Rates]]:
    """Return the cells that were measured before, with their rates then and now."""
    now = grid.stored()
    found = []
    for row in evidence.read("before"):
        cell = Cell(**{name: row[name] for name in Cell.__dataclass_fields__})
        found.append((cell, row, now[cell]))
    return found
