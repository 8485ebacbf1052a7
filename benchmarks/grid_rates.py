"""Error rates over the whole grid of items, clusters, correlations, kinds of scores and discordances; `python benchmarks/grid_rates.py --quick`.

Without `--quick`: 2,000 replicates a cell, and 20,000 where a rate comes near alpha. `--quick` runs 500 of every third cell. Prints Markdown.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pytest_unicomp.compare import stats

ALPHA, PROMISED = 0.05, 0.06
NEAR = 0.035
SIZES, CLUSTERS, CORRELATIONS = (30, 60, 150, 400, 1300), ("none", 5, 12, 20, 40, "half"), (0.1, 0.3)
DISCORDANCES = (0.01, 0.05, 0.2, 0.5)
Kind = Literal["0/1", "one between", "partial credit", "0 to 100"]
KINDS: tuple[Kind, ...] = ("0/1", "one between", "partial credit", "0 to 100")
# What a flipped item gains or loses if credit is partial, all equally likely.
CREDITS = (0.25, 0.5, 0.75, 1.0)
MARGIN = 0.03
CHUNK = 6_000_000


@dataclass(frozen=True)
class Cell:
    """n items in clusters of equal size ("half": one of n / 2 items, all others alone), whose rates vary as a Dirichlet with `correlation`."""

    n: int
    clusters: int | str
    correlation: float
    kind: Kind
    discordance: float

    @property
    def margin(self) -> float:
        """3 points, or all that so few flips can lose."""
        mean = sum(CREDITS) / len(CREDITS) if self.kind == "partial credit" else 1.0
        return min(MARGIN, self.discordance * mean)

    @property
    def sizes(self) -> np.ndarray:
        if self.clusters == "none":
            return np.array([self.n])
        if self.clusters == "half":
            return np.array([self.n // 2] + [1] * (self.n - self.n // 2))
        return np.bincount(np.arange(self.n) % int(self.clusters))

    def rates(self, drop: float) -> tuple[float, float]:
        """Return the shares of items that lose and gain at a true drop."""
        mean = sum(CREDITS) / len(CREDITS) if self.kind == "partial credit" else 1.0
        return (self.discordance + drop / mean) / 2, max(0.0, (self.discordance - drop / mean) / 2)


def cells() -> Iterator[Cell]:
    """Every cell with fewer clusters than half the items; independent items once, and 0 to 100 in clusters as 0/1 only up to 150 items."""
    for n, clusters, correlation, kind, discordance in itertools.product(SIZES, CLUSTERS, CORRELATIONS, KINDS, DISCORDANCES):
        if isinstance(clusters, int) and 2 * clusters >= n:
            continue
        if clusters == "none" and correlation != CORRELATIONS[0]:
            continue
        yield Cell(n, clusters, correlation, kind, discordance)


def draw(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> stats.Sums:
    """Simulate evaluations, as the sums of their differences over clusters."""
    sizes, rates = cell.sizes, cell.rates(drop)
    if len(sizes) == 1:
        counts = random.multinomial(cell.n, [*rates, 1 - sum(rates)], size=replicates)
        lost, gained = counts[:, :1], counts[:, 1:2]
    else:
        spread = (1 - cell.correlation) / cell.correlation
        own = random.dirichlet(np.maximum([*rates, 1 - sum(rates)], 1e-12) * spread, size=(replicates, len(sizes)))
        lost = random.binomial(sizes, own[..., 0])
        gained = random.binomial(sizes - lost, np.clip(own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0, 1))
    if cell.kind == "partial credit":
        (lost, first), (gained, second) = _credited(lost, random), _credited(gained, random)
        return stats.Sums(lost, gained, first + second, sizes)
    flips = lost + gained
    if cell.kind == "one between":
        return _between(lost.astype(float), gained.astype(float), sizes, random)
    return stats.Sums(lost, gained, flips, sizes)


def _credited(flips: np.ndarray, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums of the flips' credits and of their squares."""
    left, total, squares = flips, np.zeros(flips.shape), np.zeros(flips.shape)
    for place, credit in enumerate(CREDITS):
        many = random.binomial(left, 1 / (len(CREDITS) - place))
        left, total, squares = left - many, total + credit * many, squares + credit**2 * many
    return total, squares


def _between(lost: np.ndarray, gained: np.ndarray, sizes: np.ndarray, random: np.random.Generator) -> stats.Sums:
    """Let one unchanged item of a random cluster gain or lose half its credit, or keep half of it."""
    rows = np.arange(len(lost))
    place = random.choice(len(sizes), p=sizes / sizes.sum(), size=len(lost))
    free = (lost + gained)[rows, place] < sizes[place]
    change = np.where(free, random.choice([-0.5, 0.0, 0.5], size=len(lost)), 0.0)
    squares = lost + gained
    squares[rows, place] += change**2
    lost[rows, place] += np.maximum(-change, 0)
    gained[rows, place] += np.maximum(change, 0)
    return stats.Sums(lost, gained, squares, sizes)


def decide(cell: Cell, sums: stats.Sums) -> stats.Decisions:
    """Return the verdicts that `paired_difference` reaches (0 to 100: those of 0/1, whose interval its own is never narrower than)."""
    if cell.kind in ("0/1", "0 to 100"):
        lost, gained, _, sizes = sums
        if len(sizes) == 1:
            return stats.decide_counts(lost[:, 0], gained[:, 0], cell.n, margin=cell.margin, alpha=ALPHA)
        return stats.decide_clustered(lost, gained, sizes, margin=cell.margin, alpha=ALPHA)
    return stats.decide_sums(sums, margin=cell.margin, alpha=ALPHA)


@dataclass(frozen=True)
class Rates:
    """At a true drop equal to the margin: PASS and FAIL. At no drop: FAIL and PASS. `replicates` that they rest on."""

    false_pass: float
    false_fail: float
    unchanged_fails: float
    unchanged_passes: float
    replicates: int

    @property
    def worst(self) -> float:
        """The larger of the two error rates."""
        return max(self.false_pass, self.false_fail, self.unchanged_fails)


def measure(cell: Cell, replicates: int) -> Rates:
    """Simulate one cell with a seed of its own, in chunks."""
    kind = KINDS.index(cell.kind)
    random = np.random.default_rng(
        [cell.n, *str(cell.clusters).encode(), round(10 * cell.correlation), kind, round(100 * cell.discordance)]
    )
    counts = np.zeros(4)
    rows = max(1, CHUNK // max(len(cell.sizes) * 3, 1))
    for start in range(0, replicates, rows):
        many = min(rows, replicates - start)
        for place, drop in ((0, cell.margin), (2, 0.0)):
            found = decide(cell, draw(cell, drop, many, random))
            first, second = found.passes.sum(), found.fails.sum()
            counts[place : place + 2] += (first, second) if place == 0 else (second, first)
    return Rates(*(float(count) / replicates for count in counts), replicates)


def rows(*, quick: bool) -> Iterator[tuple[Cell, Rates]]:
    """Measure the grid; a cell with a rate near alpha is measured again with 20,000 replicates."""
    for cell in itertools.islice(cells(), 0, None, 3 if quick else 1):
        found = measure(cell, 500 if quick else 2_000)
        if not quick and found.worst > NEAR:
            found = measure(cell, 20_000)
        yield cell, found


def table(*, quick: bool) -> list[str]:
    """Return the grid as Markdown: cells beyond the promise, the worst of each kind and number of clusters, and the power."""
    measured = list(rows(quick=quick))
    beyond = [(cell, found) for cell, found in measured if found.worst > PROMISED]
    lines = [
        f"{len(measured)} cells, {sum(found.replicates for _, found in measured):,} replicates of each of two true drops; {len(beyond)} beyond {PROMISED}.",
        "",
        "| scores | clusters | correlation | false PASS, highest | false FAIL, highest | no drop: PASS at n 400, 0.05 | at n 1300, 0.05 | at n 1300, 0.2 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind, clusters, correlation in itertools.product(KINDS, CLUSTERS, CORRELATIONS):
        own = [(cell, found) for cell, found in measured if (cell.kind, cell.clusters, cell.correlation) == (kind, clusters, correlation)]
        if not own:
            continue
        power = [_power(own, n, share) for n, share in ((400, 0.05), (1300, 0.05), (1300, 0.2))]
        shown = "" if clusters == "none" else f"{correlation}"
        lines.append(f"| {kind} | {clusters} | {shown} | {_highest(own, 'pass')} | {_highest(own, 'fail')} | {' | '.join(power)} |")
    lines += ["", *(f"Beyond: {cell}: {found}" for cell, found in beyond)]
    return lines


def _highest(own: list[tuple[Cell, Rates]], side: str) -> str:
    def rate(found: Rates) -> float:
        return found.false_pass if side == "pass" else max(found.false_fail, found.unchanged_fails)

    cell, found = max(own, key=lambda pair: rate(pair[1]))
    return f"{rate(found):.3f} (n {cell.n}, {cell.discordance})"


def _power(own: list[tuple[Cell, Rates]], n: int, share: float) -> str:
    found = [rates.unchanged_passes for cell, rates in own if (cell.n, cell.discordance) == (n, share)]
    return f"{found[0]:.2f}" if found and not math.isnan(found[0]) else ""


def main() -> None:
    """Print the table."""
    began = time.process_time()
    print("\n".join(table(quick="--quick" in sys.argv[1:])))
    print(f"{(time.process_time() - began) / 60:.1f} minutes of one core.")


if __name__ == "__main__":
    main()
