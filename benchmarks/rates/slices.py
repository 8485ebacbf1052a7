"""Simulates how often slices whose items share clusters raise a hidden danger for equal models: `python -m benchmarks.rates.slices 2000`; interrupted, it goes on."""

from __future__ import annotations

import itertools
import sys
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import evidence
from benchmarks.rates.gate import ALPHA, BENCHMARK_MARGIN, RELIABILITY, p_values
from pytest_unicomp.compare import stats

NAME = "slices"
SLICES = 5


@dataclass(frozen=True)
class Case:
    """Each slice of six reliability benchmarks has so many clusters of `size` items, whose rates vary as a Dirichlet; nothing is lost."""

    clusters: int
    size: int
    correlation: float
    discordance: float


CASES = tuple(
    Case(*shape, correlation, discordance)
    for shape, correlation, discordance in itertools.product(((5, 8), (10, 4), (10, 20), (20, 10)), (0.1, 0.3), (0.1, 0.3))
)


def measure(case: Case, replicates: int) -> tuple[float, float]:
    """Return how often a slice is lost after Holm if its items count as independent, and if its clusters count."""
    random = np.random.default_rng([case.clusters, case.size, round(10 * case.correlation), round(10 * case.discordance)])
    spread = (1 - case.correlation) / case.correlation
    rates = np.array([case.discordance / 2, case.discordance / 2, 1 - case.discordance])
    allowed = ALPHA / (SLICES * RELIABILITY)
    alone = clustered = 0
    for _ in range(replicates):
        own = random.dirichlet(rates * spread, size=(SLICES * RELIABILITY, case.clusters))
        lost = random.binomial(case.size, own[..., 0])
        gained = random.binomial(case.size - lost, np.clip(own[..., 1] / np.maximum(1 - own[..., 0], 1e-300), 0, 1))
        found = p_values(lost.sum(axis=1), gained.sum(axis=1), case.clusters * case.size, BENCHMARK_MARGIN)
        # No p-value with clusters is below the one without.
        suspected = np.flatnonzero(found <= allowed)
        alone += len(suspected) > 0
        clustered += any(_p_value(lost[row], gained[row], case.size) <= allowed for row in suspected)
    return alone / replicates, clustered / replicates


def _p_value(lost: np.ndarray, gained: np.ndarray, size: int) -> float:
    before: list[float] = []
    after: list[float] = []
    names: list[int] = []
    for cluster, (down, up) in enumerate(zip(lost.tolist(), gained.tolist(), strict=True)):
        before += [1.0] * down + [0.0] * up + [1.0] * (size - down - up)
        after += [0.0] * down + [1.0] * (size - down)
        names += [cluster] * size
    return stats.paired_difference(before, after, names, alpha=ALPHA, margin=BENCHMARK_MARGIN).p_value


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    known = {Case(**{name: row[name] for name in Case.__dataclass_fields__}) for row in evidence.read(NAME)}
    for case in CASES:
        if case not in known:
            alone, clustered = measure(case, replicates)
            row = {**asdict(case), "alone": alone, "clustered": clustered, "replicates": replicates}
            evidence.append(NAME, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
