"""Measures how often a verdict is wrong: `python benchmarks/error_rates.py 20000 docs/error-rates.md` writes the page, fewer replicates print it."""

from __future__ import annotations

import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pytest_unicomp.compare import stats

ALPHA = 0.05
CORRELATION = 0.1
SIZES, ACCURACIES, DISCORDANCES, MARGINS, CLUSTERS = (
    (50, 200, 1000, 4000),
    (0.3, 0.7, 0.95),
    (0.01, 0.05, 0.2),
    (0.01, 0.03, 0.05),
    (0, 20, 200),
)
CHUNK = 4_000_000


@dataclass(frozen=True)
class Cell:
    """n items, the reference's accuracy, share of discordant items, margin (also the true drop), clusters (0: independent)."""

    n: int
    accuracy: float
    discordance: float
    margin: float
    clusters: int = 0

    def rates(self, drop: float) -> tuple[float, float] | None:
        """Return the rates of lost and gained items at a true drop, or None where they are not possible."""
        lost, gained = (self.discordance + drop) / 2, (self.discordance - drop) / 2
        possible = gained >= -1e-12 and lost <= self.accuracy and gained <= 1 - self.accuracy
        return (lost, max(gained, 0.0)) if possible else None

    @property
    def random(self) -> np.random.Generator:
        """A generator that depends on the cell alone, so that every row can be made again."""
        return np.random.default_rng(
            [self.n, *(round(1000 * value) for value in (self.accuracy, self.discordance, self.margin)), self.clusters]
        )


def cells() -> Iterator[Cell]:
    """Every combination that is possible and has more items than clusters."""
    for n, accuracy, discordance, margin, clusters in itertools.product(SIZES, ACCURACIES, DISCORDANCES, MARGINS, CLUSTERS):
        cell = Cell(n, accuracy, discordance, margin, clusters)
        if cell.rates(margin) is not None and clusters < n:
            yield cell


# One evaluation per replicate: counts of lost and gained items, by cluster where there are any


def draw(cell: Cell, drop: float, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return lost and gained items, shape (replicates, clusters or 1), and the clusters' sizes; rates vary between clusters as a Dirichlet."""
    rates = cell.rates(drop)
    if rates is None:
        raise ValueError(f"{cell} has no drop of {drop}")
    if not cell.clusters:
        counts = random.multinomial(cell.n, [*rates, 1 - sum(rates)], size=replicates)
        return counts[:, :1], counts[:, 1:2], np.array([cell.n])
    sizes = np.bincount(np.arange(cell.n) % cell.clusters)
    spread = (1 - CORRELATION) / CORRELATION
    own = random.dirichlet(np.maximum([*rates, 1 - sum(rates)], 1e-12) * spread, size=(replicates, cell.clusters))
    lost = random.binomial(sizes, own[..., 0])
    gained = random.binomial(sizes - lost, np.clip(own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0, 1))
    return lost, gained, sizes


def decide(lost: np.ndarray, gained: np.ndarray, sizes: np.ndarray, margin: float) -> stats.Decisions:
    """Return the verdicts of `paired_difference`, vectorized (tests/test_stats_decisions.py compares them)."""
    if len(sizes) == 1:
        return stats.decide_counts(lost[:, 0], gained[:, 0], int(sizes[0]), margin=margin, alpha=ALPHA)
    return stats.decide_clustered(lost, gained, sizes, margin=margin, alpha=ALPHA)


@dataclass(frozen=True)
class Rates:
    """At a true drop equal to the margin: false PASS, false FAIL, coverage. At no drop: false FAIL and how often it passes."""

    false_pass: float
    false_fail: float
    coverage: float
    unchanged_fails: float
    unchanged_passes: float


def measure(cell: Cell, replicates: int) -> Rates:
    """Simulate one cell at a drop equal to the margin, and, where possible, at none."""
    random = cell.random
    found = decide(*draw(cell, cell.margin, replicates, random), cell.margin)
    passes, fails = float(found.passes.mean()), float(found.fails.mean())
    if cell.rates(0.0) is None:
        return Rates(passes, fails, 1 - passes - fails, math.nan, math.nan)
    unchanged = decide(*draw(cell, 0.0, replicates, random), cell.margin)
    return Rates(passes, fails, 1 - passes - fails, float(unchanged.fails.mean()), float(unchanged.passes.mean()))


def outside(cell: Cell, rates: Rates) -> str:
    """Return what a row has outside of what is promised, or an empty text."""
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


# The sequential mode


@dataclass(frozen=True)
class Stopping:
    """Rates of the sequential mode at one true drop, and the mean share of the items that it used."""

    passes: float
    fails: float
    items: float


def stop(n: int, discordance: float, margin: float, drop: float, replicates: int) -> Stopping:
    """Simulate the sequential mode item by item."""
    random = np.random.default_rng([n, round(1e4 * discordance), round(1e4 * margin), round(1e4 * drop)])
    rows = max(1, CHUNK // n)
    passes = fails = items = 0.0
    for start in range(0, replicates, rows):
        count = min(rows, replicates - start)
        uniform = random.random((count, n))
        lost = (discordance + drop) / 2
        differences = np.where(uniform < lost, -1.0, np.where(uniform < discordance, 1.0, 0.0))
        good, bad = (_first(path) for path in stats.capital_paths(differences, np.full((1, n), margin), (margin, margin)))
        early_pass, early_fail = (good <= n) & (good <= bad), (bad <= n) & (bad < good)
        last = stats.decide_counts(
            (differences < 0).sum(axis=1), (differences > 0).sum(axis=1), n, margin=margin, alpha=ALPHA * (1 - stats.EARLY_SHARE)
        )
        open_ = ~early_pass & ~early_fail
        passes += (early_pass | (open_ & last.passes)).sum()
        fails += (early_fail | (open_ & last.fails)).sum()
        items += np.minimum(np.minimum(good, bad), n).sum()
    return Stopping(passes / replicates, fails / replicates, items / replicates / n)


def _first(path: np.ndarray) -> np.ndarray:
    hits = path >= -math.log(stats.EARLY_SHARE * ALPHA)
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, path.shape[1] + 1)


STOPPING = (
    (200, 0.05, 0.05),
    (200, 0.2, 0.05),
    (1000, 0.01, 0.01),
    (1000, 0.05, 0.03),
    (1000, 0.2, 0.05),
    (4000, 0.01, 0.01),
    (4000, 0.05, 0.03),
    (4000, 0.2, 0.05),
)


def twice_detectable(n: int, discordance: float) -> float:
    """Return twice the smallest effect that the full set shows with 80 % power."""
    half = round(n * discordance / 2)
    before, after = [1.0] * half + [0.0] * (n - half), [0.0] * half + [1.0] * half + [0.0] * (n - 2 * half)
    found = stats.paired_difference(before, after, alpha=ALPHA, margin=0.05)
    return 2 * stats.minimum_detectable_effect(found.stderr, alpha=ALPHA)


# Relative margins and error ratios


def measure_shares(kind: str, value: float, n: int, accuracy: float, discordance: float, replicates: int) -> tuple[float, float, float]:
    """Return false PASS, false FAIL and coverage where the true loss is just what a relative or error-ratio margin allows."""
    from pytest_unicomp.config.margins import Margin

    margin = Margin(kind, value)  # type: ignore[arg-type]
    drop = margin.excess * (accuracy if kind == "relative" else 1 - accuracy)
    lost, gained = (discordance + drop) / 2, (discordance - drop) / 2
    random = np.random.default_rng([n, round(1000 * value), round(100 * accuracy), round(1000 * discordance)])
    counts = random.multinomial(n, [lost, gained, accuracy - lost, 1 - accuracy - gained], size=replicates)
    unique, times = np.unique(counts, axis=0, return_counts=True)
    passed = failed = 0
    for (losses, gains, right, wrong), many in zip(unique.tolist(), times.tolist(), strict=True):
        before = [1.0] * losses + [0.0] * gains + [1.0] * right + [0.0] * wrong
        after = [0.0] * losses + [1.0] * gains + [1.0] * right + [0.0] * wrong
        found = stats.paired_difference(before, after, alpha=ALPHA, allowances=margin.allowances(before, higher_is_better=True))
        passed += many * (found.lower > -found.margin)
        failed += many * (found.upper < -found.margin)
    return passed / replicates, failed / replicates, 1 - (passed + failed) / replicates


SHARES = (
    ("relative", 0.05, 200, 0.7, 0.2),
    ("relative", 0.05, 1000, 0.7, 0.08),
    ("relative", 0.03, 1000, 0.95, 0.05),
    ("errors", 1.2, 1000, 0.7, 0.2),
    ("errors", 1.5, 1000, 0.95, 0.05),
)


def page(replicates: int, tell: Callable[[str], None]) -> str:
    """Return the whole page as Markdown."""
    began = time.process_time()
    lines = [
        "# How often a verdict is wrong",
        "",
        f"Made by `python benchmarks/error_rates.py {replicates} docs/error-rates.md`: {replicates:,} replicates a row, fixed seeds, alpha {ALPHA} per",
        f"direction (standard error of a rate of {ALPHA}: {math.sqrt(ALPHA * (1 - ALPHA) / replicates):.4f}). What the columns mean, and the rows marked, are explained in",
        "[verdicts](verdicts.md).",
        "",
        "## Independent items and clusters",
        "The true drop equals the margin, where a PASS and a FAIL are both wrong; then no drop at all.",
        f"In clusters rates vary as a Dirichlet with an intraclass correlation of {CORRELATION}.",
        "",
        "| items | accuracy | discordance | margin | clusters | false PASS | false FAIL | coverage | no drop: FAIL | no drop: PASS | outside the promise |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for cell in cells():
        found = measure(cell, replicates)
        lines.append(
            f"| {cell.n} | {cell.accuracy} | {cell.discordance} | {cell.margin} | {cell.clusters or 'none'} | {found.false_pass:.3f} | {found.false_fail:.3f} "
            f"| {found.coverage:.3f} | {_shown(found.unchanged_fails)} | {_shown(found.unchanged_passes)} | {outside(cell, found)} |"
        )
        tell(lines[-1])
    lines += [
        "",
        "## Margins that depend on the reference",
        "The true loss is just what the margin allows.",
        "",
        "| margin | items | accuracy | discordance | false PASS | false FAIL | coverage |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for kind, value, n, accuracy, discordance in SHARES:
        shares = measure_shares(kind, value, n, accuracy, discordance, replicates)
        name = f"{100 * value:g} %" if kind == "relative" else f"{value:g}x errors"
        lines.append(f"| {name} | {n} | {accuracy} | {discordance} | {shares[0]:.3f} | {shares[1]:.3f} | {shares[2]:.3f} |")
        tell(lines[-1])
    lines += ["", *sequential(replicates, tell), "", f"{(time.process_time() - began) / 60:.1f} minutes of one core."]
    return "\n".join(lines) + "\n"


def sequential(replicates: int, tell: Callable[[str], None]) -> list[str]:
    """Return the sequential mode's two tables."""
    lines = [
        "## The sequential mode",
        f"Looked at after every item; {100 * stats.EARLY_SHARE:.0f} % of alpha early, the rest for the full set. First at a true drop equal to the margin:",
        "",
        "| items | discordance | margin | false PASS | false FAIL | items used |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for n, discordance, margin in STOPPING:
        found = stop(n, discordance, margin, margin, replicates)
        lines.append(f"| {n} | {discordance} | {margin} | {found.passes:.3f} | {found.fails:.3f} | {100 * found.items:.0f} % |")
        tell(lines[-1])
    lines += [
        "",
        "Then no drop, and a margin of twice what the full set detects with 80 % power:",
        "",
        "| items | discordance | margin | PASS | FAIL | items used |",
    ]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for n, discordance in itertools.product((1000, 4000), DISCORDANCES):
        margin = twice_detectable(n, discordance)
        found = stop(n, discordance, margin, 0.0, replicates)
        lines.append(f"| {n} | {discordance} | {margin:.4f} | {found.passes:.3f} | {found.fails:.4f} | {100 * found.items:.0f} % |")
        tell(lines[-1])
    return lines


def _shown(rate: float) -> str:
    return "" if math.isnan(rate) else f"{rate:.3f}"


def main() -> None:
    """Print the page, or write it where a file is named."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    if len(sys.argv) > 2:
        Path(sys.argv[2]).write_text(page(replicates, lambda line: print(line, flush=True)), encoding="utf-8")
    else:
        print(page(replicates, lambda line: None))


if __name__ == "__main__":
    main()
