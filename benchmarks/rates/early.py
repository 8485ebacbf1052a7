"""Simulates early stopping of independent right-or-wrong items, looked at after every item: `python -m benchmarks.rates.early 20000`; interrupted, it goes on."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import evidence
from benchmarks.rates.stopping import crossed
from pytest_unicomp.compare import stats

NAME = "early"
ALPHA = 0.05
CHUNK = 4_000_000


@dataclass(frozen=True)
class Case:
    """n items, share of discordant items, margin, true drop."""

    n: int
    discordance: float
    margin: float
    drop: float


def cases() -> Iterator[Case]:
    """Return the cases at a drop equal to the margin, then those without a drop, whose margin is twice what the full set detects."""
    edges = ((200, 0.05, 0.05), (200, 0.2, 0.05), *itertools.product((1000, 4000), [0.01], [0.01]))
    edges += (*itertools.product((1000, 4000), [0.05], [0.03]), *itertools.product((1000, 4000), [0.2], [0.05]))
    yield from (Case(n, discordance, margin, margin) for n, discordance, margin in sorted(edges))
    for n, discordance in itertools.product((1000, 4000), (0.01, 0.05, 0.2)):
        yield Case(n, discordance, round(twice_detectable(n, discordance), 4), 0.0)


def twice_detectable(n: int, discordance: float) -> float:
    """Return twice the smallest effect that the full set shows with 80 % power."""
    half = round(n * discordance / 2)
    before, after = [1.0] * half + [0.0] * (n - half), [0.0] * half + [1.0] * half + [0.0] * (n - 2 * half)
    found = stats.paired_difference(before, after, alpha=ALPHA, margin=0.05)
    return 2 * stats.minimum_detectable_effect(found.stderr, alpha=ALPHA)


def stop(case: Case, replicates: int) -> dict[str, float]:
    """Return the shares of PASS and FAIL, and the mean share of the items that were used."""
    random = np.random.default_rng([case.n, *(round(1e4 * value) for value in (case.discordance, case.margin, case.drop))])
    rows = max(1, CHUNK // case.n)
    found = np.zeros(3)
    for start in range(0, replicates, rows):
        uniform = random.random((min(rows, replicates - start), case.n))
        lost = (case.discordance + case.drop) / 2
        differences = np.where(uniform < lost, -1.0, np.where(uniform < case.discordance, 1.0, 0.0))
        paths = stats.capital_paths(differences, np.full((1, case.n), case.margin), (case.margin, case.margin))
        good, bad = (crossed(path) for path in paths)
        early_pass, early_fail = (good <= case.n) & (good <= bad), (bad <= case.n) & (bad < good)
        counts = (differences < 0).sum(axis=1), (differences > 0).sum(axis=1)
        last = stats.decide_counts(*counts, case.n, margin=case.margin, alpha=ALPHA * (1 - stats.EARLY_SHARE))
        open_ = ~early_pass & ~early_fail
        used = np.minimum(np.minimum(good, bad), case.n) / case.n
        found += [side.sum() for side in (early_pass | (open_ & last.passes), early_fail | (open_ & last.fails), used)]
    return dict(zip(("passes", "fails", "items"), (found / replicates).tolist(), strict=True))


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {Case(**{name: row[name] for name in Case.__dataclass_fields__}) for row in evidence.read(NAME)}
    for case in cases():
        if case not in known:
            found = stop(case, replicates)
            evidence.append(NAME, {**asdict(case), **found, "replicates": replicates})


if __name__ == "__main__":
    main()
