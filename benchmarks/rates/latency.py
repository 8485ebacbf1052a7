"""Simulates how often a latency is judged wrongly: `python -m benchmarks.rates.latency 20000`; times are log-normal, and a share of rounds stalls.

The ratio of medians of log-normal times is the exponential of the mean log ratio, which is what the check estimates from paired rounds.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from benchmarks.rates import evidence

NAME = "latency"
ALPHA, MARGIN, ROUNDS = 0.05, 0.25, 12
SPREADS, STALLS = (0.02, 0.05, 0.1, 0.2, 0.4), (0.0, 0.05)
# A round that stalls takes this many times as long.
STALL = 3.0


class Verdicts(NamedTuple):
    """Boolean arrays with one entry per evaluation."""

    passes: np.ndarray
    fails: np.ndarray


def rounds(ratio: float, spread: float, stalls: float, replicates: int, random: np.random.Generator) -> np.ndarray:
    """Return the log ratios of paired rounds, shape (replicates, rounds): each side has a log-normal deviation of `spread`, and stalls by itself."""
    shape = (replicates, ROUNDS)
    sides = [random.normal(0.0, spread, size=shape) + np.log(STALL) * (random.random(shape) < stalls) for _ in range(2)]
    return np.log(ratio) + sides[1] - sides[0]


def decide(ratios: np.ndarray) -> Verdicts:
    """Return the verdicts of `Ratio.decide` on log ratios."""
    half = stdtrit(ROUNDS - 1, 1 - ALPHA) * ratios.std(axis=1, ddof=1) / ROUNDS**0.5
    mean, limit = ratios.mean(axis=1), np.log1p(MARGIN)
    return Verdicts(mean + half < limit, mean - half > limit)


def main() -> None:
    """Measure what is not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {(row["spread"], row["stalls"]) for row in evidence.read(NAME)}
    for spread in SPREADS:
        for stalls in STALLS:
            if (spread, stalls) in known:
                continue
            random = np.random.default_rng([round(100 * spread), round(100 * stalls)])
            edge, same = (decide(rounds(ratio, spread, stalls, replicates, random)) for ratio in (1 + MARGIN, 1.0))
            names = ("false_pass", "false_fail", "unchanged_fails", "unchanged_passes")
            shares = (edge.passes.mean(), edge.fails.mean(), same.fails.mean(), same.passes.mean())
            row = {"spread": spread, "stalls": stalls, **dict(zip(names, map(float, shares), strict=True)), "replicates": replicates}
            evidence.append(NAME, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
