"""How often a whole gate of a model without any loss passes, and fails: capabilities, slices, hidden danger, drift and latency. `python benchmarks/whole_gate.py`."""

from __future__ import annotations

import sys
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from pytest_unicomp.compare import stats

ALPHA = 0.05
CAPABILITY_MARGIN, BENCHMARK_MARGIN, DRIFT_MARGIN, LATENCY_MARGIN = 0.03, 0.05, 0.02, 0.25
PERFORMANCE, RELIABILITY = 4, 6
# Slices of every reliability benchmark, of equal size.
SLICES = 5
ROUNDS = 12


class Rates(NamedTuple):
    """Shares of simulated gates."""

    passes: float
    capability_fails: float
    benchmark_fails: float
    hidden_danger: float
    drift_fails: float
    drift_passes: float
    latency_fails: float
    any_fails: float


def draw(items: int, discordance: float, drop: float, gates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return lost and gained items, shape (gates, capabilities, slices)."""
    lost, gained = (discordance + drop) / 2, (discordance - drop) / 2
    shape = (gates, PERFORMANCE + RELIABILITY, SLICES)
    counts = random.multinomial(items // SLICES, [lost, gained, 1 - lost - gained], size=shape)
    return counts[..., 0], counts[..., 1]


@cache
def p_value(lost: int, gained: int, n: int, margin: float) -> float:
    """Return the p-value of "more than the margin is lost", as `paired_difference` gives it."""
    if lost + gained <= 100:
        return stats.exact_tail(lost, gained, n, margin)
    from scipy.special import ndtr

    return float(ndtr(stats.tango_statistic(lost, gained, n, -margin)))


def p_values(lost: np.ndarray, gained: np.ndarray, n: int, margin: float) -> np.ndarray:
    """Return the p-values of an array of counts; equal counts are tested once."""
    pairs, place = np.unique(np.stack([lost.ravel(), gained.ravel()]), axis=1, return_inverse=True)
    found = np.array([p_value(int(one), int(other), n, margin) for one, other in pairs.T])
    return found[place.ravel()].reshape(lost.shape)


def measure(items: int, discordance: float, drop: float, gates: int) -> Rates:
    """Simulate gates of ten capabilities with one benchmark each, all with the same true drop; drift and latency are of an unchanged model."""
    random = np.random.default_rng([items, round(1e4 * discordance), round(1e4 * drop)])
    lost, gained = draw(items, discordance, drop, gates, random)
    found = stats.decide_counts(lost.sum(axis=2), gained.sum(axis=2), items, margin=CAPABILITY_MARGIN, alpha=ALPHA)
    capability = found.fails.any(axis=1)
    # Holm's first step over all benchmarks.
    whole = p_values(lost.sum(axis=2), gained.sum(axis=2), items, BENCHMARK_MARGIN)
    benchmark = whole.min(axis=1) * whole.shape[1] <= ALPHA
    reliable = slice(PERFORMANCE, None)
    parts = p_values(lost[:, reliable], gained[:, reliable], items // SLICES, BENCHMARK_MARGIN)
    slices = parts.min(axis=2) * SLICES
    lost_part = slices.min(axis=1) * RELIABILITY <= ALPHA
    kept = found.passes[:, :PERFORMANCE].all(axis=1)
    danger = kept & (lost_part | found.fails[:, reliable].any(axis=1))
    drift_passes, drift_fails = drift(items, discordance / 4, gates, random)
    latency = latency_fails(gates, random)
    passes = found.passes.all(axis=1) & ~capability & ~benchmark & ~danger & ~drift_fails & ~latency
    failing = capability | benchmark | danger | drift_fails | latency
    sides = (passes, capability, benchmark, danger, drift_fails, drift_passes, latency, failing)
    return Rates(*(float(side.mean()) for side in sides))


def drift(items: int, discordance: float, gates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which gates have all ten drift checks pass, and which have one fail, if only noise flips items since the baseline."""
    counts = random.multinomial(items, [discordance / 2, discordance / 2, 1 - discordance], size=(gates, PERFORMANCE + RELIABILITY))
    down = stats.decide_counts(counts[..., 0], counts[..., 1], items, margin=DRIFT_MARGIN, alpha=ALPHA)
    up = stats.decide_counts(counts[..., 1], counts[..., 0], items, margin=DRIFT_MARGIN, alpha=ALPHA)
    return (down.passes & up.passes).all(axis=1), down.fails.any(axis=1)


def latency_fails(gates: int, random: np.random.Generator, *, slowdown: float = 0.0, spread: float = 0.1) -> np.ndarray:
    """Return which gates call the candidate slower than allowed; `spread` is the deviation of a round's log ratio."""
    ratios = random.normal(np.log1p(slowdown), spread, size=(gates, ROUNDS))
    half = stdtrit(ROUNDS - 1, 1 - ALPHA) * ratios.std(axis=1, ddof=1) / ROUNDS**0.5
    fails: np.ndarray = ratios.mean(axis=1) - half > np.log1p(LATENCY_MARGIN)
    return fails


CASES = (
    (1000, 0.02, 0.0),
    (1000, 0.05, 0.0),
    (1000, 0.1, 0.0),
    (1000, 0.2, 0.0),
    (4000, 0.1, 0.0),
    (4000, 0.2, 0.0),
    (1000, 0.1, CAPABILITY_MARGIN),
)


def table(gates: int) -> list[str]:
    """Return the table as Markdown."""
    lines = [
        "| items | discordance | true drop | gate PASS | a capability FAILs | a benchmark FAILs | hidden danger | a drift FAILs | all drifts PASS | latency FAILs | any FAIL |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for items, discordance, drop in CASES:
        found = measure(items, discordance, drop, gates)
        lines.append(f"| {items} | {discordance} | {drop} | {found.passes:.3f} | " + " | ".join(f"{rate:.4f}" for rate in found[1:]) + " |")
    edge = latency_fails(gates, np.random.default_rng(1), slowdown=LATENCY_MARGIN)
    lines += ["", f"A candidate that is slower by just the {LATENCY_MARGIN:.0%} allowed fails {edge.mean():.3f} of the time."]
    return lines


def main() -> None:
    """Print the table; the argument is the number of gates."""
    print("\n".join(table(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)))


if __name__ == "__main__":
    main()
