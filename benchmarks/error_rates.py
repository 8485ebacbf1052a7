"""Measures how often a verdict is wrong: `python benchmarks/error_rates.py [REPLICATES]` prints the table of docs/verdicts.md."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from pytest_unicomp.stats import paired_difference

ALPHA = 0.05


@dataclass(frozen=True)
class Situation:
    """n items, share of discordant ones, margin (also the true drop), and clusters (0 = independent) of one intraclass correlation."""

    n: int
    discordance: float
    margin: float
    clusters: int = 0
    correlation: float = 0.1


SITUATIONS = (
    Situation(50, 0.01, 0.01),
    Situation(50, 0.05, 0.05),
    Situation(53, 0.05, 0.05),
    Situation(200, 0.05, 0.03),
    Situation(200, 0.2, 0.05),
    Situation(1000, 0.01, 0.01),
    Situation(1000, 0.05, 0.03),
    Situation(1000, 0.2, 0.05),
    Situation(4000, 0.05, 0.01),
    Situation(4000, 0.2, 0.03),
    Situation(200, 0.05, 0.03, 20),
    Situation(200, 0.2, 0.05, 20),
    Situation(1000, 0.01, 0.01, 20),
    Situation(1000, 0.05, 0.03, 20),
    Situation(1000, 0.2, 0.05, 20),
    Situation(1000, 0.05, 0.03, 200),
    Situation(4000, 0.05, 0.03, 20),
    Situation(4000, 0.05, 0.03, 200),
    Situation(1000, 0.05, 0.03, 20, 0.001),
    Situation(1000, 0.2, 0.05, 200, 0.001),
)


def draw(situation: Situation, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray | None]:
    """Draw the differences (-1, 0, 1) of one evaluation whose true drop is the margin; rates vary between clusters as a Dirichlet."""
    lost = (situation.discordance + situation.margin) / 2
    rates = np.array([lost, situation.discordance - lost, 1 - situation.discordance])
    if not situation.clusters:
        return random.choice([-1.0, 1.0, 0.0], size=situation.n, p=rates), None
    clusters = np.arange(situation.n) % situation.clusters
    spread = (1 - situation.correlation) / situation.correlation
    own = random.dirichlet(np.maximum(rates, 1e-12) * spread, size=situation.clusters)[clusters]
    uniform = random.random(situation.n)
    return np.where(uniform < own[:, 0], -1.0, np.where(uniform < own[:, 0] + own[:, 1], 1.0, 0.0)), clusters


def rates(situation: Situation, replicates: int) -> tuple[float, float, float]:
    """Return false-PASS rate, false-FAIL rate (both at a true drop equal to the margin) and coverage of the interval."""
    random = np.random.default_rng(20260101)
    passed = failed = covered = 0
    known: dict[tuple[int, int], tuple[float, float]] = {}
    for _ in range(replicates):
        differences, clusters = draw(situation, random)
        counts = (int((differences < 0).sum()), int((differences > 0).sum()))
        if clusters is not None or counts not in known:
            reference = (differences < 0).astype(float)
            groups = None if clusters is None else clusters.tolist()
            found = paired_difference(reference.tolist(), (reference + differences).tolist(), groups, alpha=ALPHA, margin=situation.margin)
            known[counts] = (found.lower, found.upper)
        lower, upper = known[counts]
        passed += lower > -situation.margin
        failed += upper < -situation.margin
        covered += lower <= -situation.margin <= upper
    return passed / replicates, failed / replicates, covered / replicates


def main() -> None:
    """Print one row per situation."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 4000
    print("| items | discordance | margin = true drop | clusters | correlation | false PASS | false FAIL | coverage |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for situation in SITUATIONS:
        wrong_pass, wrong_fail, coverage = rates(situation, replicates)
        groups = (str(situation.clusters), str(situation.correlation)) if situation.clusters else ("none", "")
        print(
            f"| {situation.n} | {situation.discordance} | {situation.margin} | {groups[0]} | {groups[1]} "
            f"| {wrong_pass:.3f} | {wrong_fail:.3f} | {coverage:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
