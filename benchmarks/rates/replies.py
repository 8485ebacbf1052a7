"""Simulates k replies per item: scores averaged over them, shares that are cut or loop, and lengths: `python -m benchmarks.rates.replies 20000`; it goes on.

An item has a difficulty of its own, so its replies are not independent. Each case is judged at its true change, so a PASS and a FAIL are both wrong.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.rates import evidence
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.means import t_quantile

NAME = "replies"
ALPHA = 0.05
SIZES, REPLIES = (50, 200, 1000), (1, 4)
CHUNK, SEEN = 2_000_000, 4_000_000
# Of an item's difficulty: the correlation of two of its replies.
CORRELATION = 0.5
# Lengths are log-normal: the deviation of the logarithm between items, and between the replies to one.
BETWEEN, WITHIN, TYPICAL, LIMIT = 0.8, 0.5, 150.0, 2048.0


@dataclass(frozen=True)
class Case:
    """`kind` is a key of SHARES or of LENGTHS; `items` items with `replies` replies each."""

    kind: str
    items: int
    replies: int


# Share of the replies in reference and candidate.
SHARES = {
    "scores, 70 to 65 %": (0.7, 0.65),
    "cut or looping, 0 to 2 %": (0.0, 0.02),
    "cut or looping, 1 to 6 %": (0.01, 0.06),
    "cut or looping, 10 to 15 %": (0.1, 0.15),
}
# How many times as long the candidate's replies are, the share of them that run to the token limit, and the share that end at once.
LENGTHS = {
    "lengths, all 1.25 times": (1.25, 0.0, 0.0),
    "lengths, 1 % run to the limit": (1.0, 0.01, 0.0),
    "lengths, 5 % run to the limit": (1.0, 0.05, 0.0),
    "lengths, 5 % end at once": (1.0, 0.0, 0.05),
}
CASES = tuple(itertools.starmap(Case, itertools.product((*SHARES, *LENGTHS), SIZES, REPLIES)))


def shares(case: Case, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return each item's share of replies in reference and candidate, shape (replicates, items); the same items are hard for both."""
    place = random.random((replicates, case.items))
    found = []
    for rate in SHARES[case.kind]:
        # The difficulty decides a reply with this probability, so that two replies to an item correlate by it; else chance does.
        bound = (random.random((case.replies, replicates, case.items)) < np.sqrt(CORRELATION)) * 1.0
        drawn = bound * place + (1 - bound) * random.random(bound.shape)
        found.append((drawn < rate).mean(axis=0))
    return found[0], found[1]


def lengths(case: Case, replicates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the logarithm of each item's mean length in reference and candidate, shape (replicates, items)."""
    longer, endless, empty = LENGTHS[case.kind]
    shape = (case.replies, replicates, case.items)
    typical = np.log(TYPICAL) + BETWEEN * random.normal(size=shape[1:])
    before, after = (np.exp(typical + WITHIN * random.normal(size=shape)) for _ in range(2))
    ends = random.random(shape)
    after = np.where(ends < endless, LIMIT, np.where(ends > 1 - empty, 1.0, longer * after))
    sides = [np.log(2 * np.clip(np.round(side), 1, LIMIT).mean(axis=0)) for side in (before, after)]
    return sides[0], sides[1]


def true_change(case: Case) -> float:
    """Return the mean change of an item, of so many draws that its error is far below that of any case."""
    random, total = np.random.default_rng([7, CASES.index(case)]), 0.0
    rows = 100_000 // case.replies
    for _ in range(SEEN // rows):
        before, after = lengths(Case(case.kind, 1, case.replies), rows, random)
        total += float((after - before).mean())
    return total / (SEEN // rows)


def judged(case: Case, before: np.ndarray, after: np.ndarray, change: float) -> stats.Decisions:
    """Return the verdicts of `compare.replies` on a fall of scores, or a rise of shares or lengths, by just `change`."""
    if case.kind in LENGTHS:
        return stats.decide_unbounded(-before, -after, None, margin=change, alpha=ALPHA)
    turned = after - before if case.kind.startswith("scores") else before - after
    lost, gained = np.maximum(-turned, 0).sum(axis=1), np.maximum(turned, 0).sum(axis=1)
    if case.replies == 1:
        return stats.decide_counts(np.rint(lost).astype(int), np.rint(gained).astype(int), case.items, margin=change, alpha=ALPHA)
    sums = stats.Sums(lost[:, None], gained[:, None], (turned**2).sum(axis=1)[:, None], np.array([case.items]))
    return stats.decide_sums(sums, margin=change, alpha=ALPHA)


def by_student(before: np.ndarray, after: np.ndarray, change: float) -> stats.Decisions:
    """Return the verdicts of Student's t interval alone, by which lengths were judged at first."""
    differences = after - before
    middle, half = differences.mean(axis=1), differences.std(axis=1, ddof=1) / np.sqrt(differences.shape[1])
    half = half * t_quantile(1 - ALPHA, differences.shape[1] - 1)
    return stats.Decisions(middle + half < change, middle - half > change)


def measure(case: Case, replicates: int) -> dict[str, float]:
    """Return how often evaluations whose change is just what is allowed pass and fail; of lengths also by Student's t."""
    random = np.random.default_rng([case.items, case.replies, CASES.index(case)])
    draw: Callable[..., tuple[np.ndarray, np.ndarray]] = lengths if case.kind in LENGTHS else shares
    change = true_change(case) if case.kind in LENGTHS else abs(float(np.subtract(*SHARES[case.kind])))
    found, rows = np.zeros(4), max(1, CHUNK // (case.items * case.replies))
    for start in range(0, replicates, rows):
        before, after = draw(case, min(rows, replicates - start), random)
        decided = [*judged(case, before, after, change), *by_student(before, after, change)]
        found += [side.sum() for side in decided]
    names = ("false_pass", "false_fail", "student_pass", "student_fail")[: 4 if case.kind in LENGTHS else 2]
    return {"change": change, **dict(zip(names, (found / replicates).tolist(), strict=False))}


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {Case(**{name: row[name] for name in Case.__dataclass_fields__}) for row in evidence.read(NAME)}
    for case in CASES:
        if case not in known:
            row = {**asdict(case), **measure(case, replicates), "replicates": replicates}
            evidence.append(NAME, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
