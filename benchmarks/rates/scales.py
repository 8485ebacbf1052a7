"""Simulates losses in nats, with and without a long tail, where every item differs: `python -m benchmarks.rates.scales 4000`; interrupted, it goes on."""

from __future__ import annotations

import itertools
import sys
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import evidence
from pytest_unicomp.compare import stats

NAME = "scales"
ALPHA, MARGIN = 0.05, 0.03
SIZES, CLUSTERS, SIGMAS = (10, 30, 60, 150, 400, 1300), (0, 5, 12, 40), (0.0, 1.0, 1.5)
CHUNK = 4_000_000


@dataclass(frozen=True)
class Case:
    """n documents in clusters (0: none), each multiplied by a draw of its own; `sigma` of the log-normal loss (0: normal, with a deviation of 0.1)."""

    n: int
    clusters: int
    sigma: float


def losses(case: Case, replicates: int, random: np.random.Generator) -> np.ndarray:
    """Return losses with a mean of the margin, shape (replicates, documents)."""
    normal = random.normal(size=(replicates, case.n))
    found = MARGIN * np.exp(case.sigma * normal - case.sigma**2 / 2) if case.sigma else MARGIN + 0.1 * normal
    if case.clusters:
        found = found * random.gamma(2.0, 0.5, size=(replicates, case.clusters))[:, np.arange(case.n) % case.clusters]
    return found


def measure(case: Case, replicates: int) -> dict[str, float]:
    """Return how often evaluations that lose just the margin pass and fail."""
    random = np.random.default_rng([case.n, case.clusters, round(10 * case.sigma)])
    place = np.arange(case.n) % case.clusters if case.clusters else None
    rows, found = max(1, CHUNK // case.n), np.zeros(2)
    for start in range(0, replicates, rows):
        lost = losses(case, min(rows, replicates - start), random)
        before = np.full(lost.shape, -2.5)
        decided = stats.decide_unbounded(before, before - lost, place, margin=MARGIN, alpha=ALPHA)
        found += [side.sum() for side in decided]
    return dict(zip(("false_pass", "false_fail"), (found / replicates).tolist(), strict=True))


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {Case(**{name: row[name] for name in Case.__dataclass_fields__}) for row in evidence.read(NAME)}
    for sigma, clusters, n in itertools.product(SIGMAS, CLUSTERS, SIZES):
        case = Case(n, clusters, sigma)
        if case not in known and n > clusters:
            row = {**asdict(case), **measure(case, replicates), "replicates": replicates}
            evidence.append(NAME, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
