"""Simulates independent items over accuracies, discordances and margins: `python -m benchmarks.rates.independent 20000`; interrupted, it goes on.

Right-or-wrong items with margins in points, then margins that depend on the reference.
"""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import evidence
from pytest_unicomp.compare import stats

NAME, SHARES_NAME = "independent", "shares"
ALPHA = 0.05
SIZES, ACCURACIES, DISCORDANCES, MARGINS = (50, 200, 1000, 4000), (0.3, 0.7, 0.95), (0.01, 0.05, 0.2), (0.01, 0.03, 0.05)


@dataclass(frozen=True)
class Cell:
    """n items, the reference's accuracy, share of discordant items, margin (also the true drop)."""

    n: int
    accuracy: float
    discordance: float
    margin: float

    def rates(self, drop: float) -> tuple[float, float] | None:
        """Return the rates of lost and gained items at a true drop, or None if they are not possible."""
        lost, gained = (self.discordance + drop) / 2, (self.discordance - drop) / 2
        possible = gained >= -1e-12 and lost <= self.accuracy and gained <= 1 - self.accuracy
        return (lost, max(gained, 0.0)) if possible else None

    @property
    def random(self) -> np.random.Generator:
        """A generator that depends on the cell alone, so that every row can be made again."""
        return np.random.default_rng([self.n, *(round(1000 * value) for value in (self.accuracy, self.discordance, self.margin)), 0])


@dataclass(frozen=True)
class Rates:
    """At a true drop equal to the margin: false PASS, false FAIL. At no drop: false FAIL and how often it passes (NaN: not possible)."""

    false_pass: float
    false_fail: float
    unchanged_fails: float
    unchanged_passes: float
    replicates: int

    @property
    def coverage(self) -> float:
        """The share of intervals that hold the true drop."""
        return 1 - self.false_pass - self.false_fail


def cells() -> Iterator[Cell]:
    """Return every combination that is possible."""
    every = (Cell(*values) for values in itertools.product(SIZES, ACCURACIES, DISCORDANCES, MARGINS))
    return (cell for cell in every if cell.rates(cell.margin) is not None)


def decide(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> stats.Decisions | None:
    """Return the verdicts of `paired_difference` at a true drop, or None if the cell has no such drop."""
    rates = cell.rates(drop)
    if rates is None:
        return None
    counts = random.multinomial(cell.n, [*rates, 1 - sum(rates)], size=replicates)
    return stats.decide_counts(counts[:, 0], counts[:, 1], cell.n, margin=cell.margin, alpha=ALPHA)


def measure(cell: Cell, replicates: int) -> Rates:
    """Simulate one cell at a drop equal to the margin and, if possible, at none."""
    random = cell.random
    edge, same = decide(cell, cell.margin, replicates, random), decide(cell, 0.0, replicates, random)
    assert edge is not None
    unchanged = (math.nan, math.nan) if same is None else (float(same.fails.mean()), float(same.passes.mean()))
    return Rates(float(edge.passes.mean()), float(edge.fails.mean()), *unchanged, replicates)


def outside(cell: Cell, rates: Rates) -> str:
    """Return what a row has outside of alpha and its coverage, or an empty text."""
    found = []
    if rates.false_pass > ALPHA + 0.005:
        found.append("false PASS")
    if max(rates.false_fail, 0 if math.isnan(rates.unchanged_fails) else rates.unchanged_fails) > ALPHA + 0.005:
        found.append("false FAIL")
    if rates.coverage < 1 - 2 * ALPHA - 0.02:
        found.append("coverage low")
    if rates.coverage > 1 - 2 * ALPHA + 0.03 and cell.n * cell.discordance >= 20:
        found.append("coverage high")
    return ", ".join(found)


# Relative margins and error ratios


@dataclass(frozen=True)
class Share:
    """A margin that depends on the reference; the true loss is just what it allows."""

    kind: str
    value: float
    n: int
    accuracy: float
    discordance: float


SHARES = (
    Share("relative", 0.05, 200, 0.7, 0.2),
    Share("relative", 0.05, 1000, 0.7, 0.08),
    Share("relative", 0.03, 1000, 0.95, 0.05),
    Share("errors", 1.2, 1000, 0.7, 0.2),
    Share("errors", 1.5, 1000, 0.95, 0.05),
)


def measure_share(share: Share, replicates: int) -> tuple[float, float]:
    """Return false PASS and false FAIL."""
    from pytest_unicomp.config.margins import Margin

    margin = Margin(share.kind, share.value)  # type: ignore[arg-type]
    drop = margin.excess * (share.accuracy if share.kind == "relative" else 1 - share.accuracy)
    lost, gained = (share.discordance + drop) / 2, (share.discordance - drop) / 2
    random = np.random.default_rng([share.n, round(1000 * share.value), round(100 * share.accuracy), round(1000 * share.discordance)])
    counts = random.multinomial(share.n, [lost, gained, share.accuracy - lost, 1 - share.accuracy - gained], size=replicates)
    unique, times = np.unique(counts, axis=0, return_counts=True)
    passed = failed = 0
    for (losses, gains, right, wrong), many in zip(unique.tolist(), times.tolist(), strict=True):
        before = [1.0] * losses + [0.0] * gains + [1.0] * right + [0.0] * wrong
        after = [0.0] * losses + [1.0] * gains + [1.0] * right + [0.0] * wrong
        found = stats.paired_difference(before, after, alpha=ALPHA, allowances=margin.allowances(before, higher_is_better=True))
        passed += many * (found.lower > -found.margin)
        failed += many * (found.upper < -found.margin)
    return passed / replicates, failed / replicates


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {Cell(**{name: row[name] for name in Cell.__dataclass_fields__}) for row in evidence.read(NAME)}
    for cell in cells():
        if cell not in known:
            evidence.append(NAME, {**asdict(cell), **asdict(measure(cell, replicates))})
    shared = {Share(**{name: row[name] for name in Share.__dataclass_fields__}) for row in evidence.read(SHARES_NAME)}
    for share in SHARES:
        if share not in shared:
            passes, fails = measure_share(share, replicates)
            evidence.append(SHARES_NAME, {**asdict(share), "false_pass": passes, "false_fail": fails, "replicates": replicates})


if __name__ == "__main__":
    main()
