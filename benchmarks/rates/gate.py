"""Simulates whole gates of a model without any loss, and of one that loses just the margin: `python -m benchmarks.rates.gate 20000`.

Capabilities, their benchmarks after Holm's correction, slices, replies that are cut or loop, hidden danger, drift and latency: which of them take
the pass, and how often.
"""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from functools import cache

import numpy as np

from benchmarks.rates import evidence, latency
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.replies import RISE

NAME = "gate"
ALPHA = 0.05
CAPABILITY_MARGIN, BENCHMARK_MARGIN, DRIFT_MARGIN = 0.03, 0.05, 0.02
PERFORMANCE, RELIABILITY = 4, 6
# A reply may be cut, and it may loop.
WAYS = 2
# The share of items that noise flips between two runs of one model, of those that compression flips.
NOISE = 0.25
SPREAD = 0.1
CHUNK = 2_000


@dataclass(frozen=True)
class Gate:
    """Ten capabilities with one benchmark each, of `items` items in `slices` slices of equal size, all with the same true drop; drift and
    latency are of an unchanged model. `losing`: how many of the capabilities lose at all. Each item has one generated reply; as many replies
    are cut on one side alone, and loop on one side alone, as items flip (`discordance`), on either side as often.
    """

    items: int
    slices: int
    discordance: float
    drop: float = 0.0
    losing: int = PERFORMANCE + RELIABILITY


@dataclass(frozen=True)
class Outcome:
    """Shares of simulated gates: with a PASS, with a FAIL of each kind, with any FAIL, and with capabilities that stay undecided and no FAIL."""

    passes: float
    capability_fails: float
    benchmark_fails: float
    slice_lost: float
    replies_damaged: float
    hidden_danger: float
    drift_fails: float
    drift_passes: float
    latency_fails: float
    any_fails: float
    undecided: float
    replicates: int


def draw(gate: Gate, gates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return lost and gained items, shape (gates, capabilities, slices)."""
    counts = []
    for place in range(PERFORMANCE + RELIABILITY):
        drop = gate.drop if place < gate.losing else 0.0
        rates = [(gate.discordance + drop) / 2, (gate.discordance - drop) / 2, 1 - gate.discordance]
        counts.append(random.multinomial(gate.items // gate.slices, rates, size=(gates, gate.slices)))
    both = np.stack(counts, axis=1)
    return both[..., 0], both[..., 1]


def draw_replies(gate: Gate, gates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return how many replies are cut or loop in the candidate alone, and in the reference alone, shape (gates, capabilities, WAYS)."""
    rates = [gate.discordance / 2, gate.discordance / 2, 1 - gate.discordance]
    counts = random.multinomial(gate.items, rates, size=(gates, PERFORMANCE + RELIABILITY, WAYS))
    return counts[..., 0], counts[..., 1]


@cache
def p_value(lost: int, gained: int, n: int, margin: float) -> float:
    """Return the p-value of "more than the margin is lost", as `paired_difference` gives it."""
    if lost + gained <= 100:
        return stats.exact_tail(lost, gained, n, margin)
    from scipy.special import ndtr

    return float(ndtr(stats.tango_statistic(lost, gained, n, -margin)))


def p_values(lost: np.ndarray, gained: np.ndarray, n: int, margin: float) -> np.ndarray:
    """Return the p-values of an array of counts, 1 for those that lose less than the margin (they are not wanted); equal counts are tested once."""
    pairs, place = np.unique(np.stack([lost.ravel(), gained.ravel()]), axis=1, return_inverse=True)
    found = np.array([p_value(int(one), int(other), n, margin) if one - other > n * margin else 1.0 for one, other in pairs.T])
    return found[place.ravel()].reshape(lost.shape)


def judged(gate: Gate, lost: np.ndarray, gained: np.ndarray, damaged: np.ndarray, mended: np.ndarray) -> dict[str, np.ndarray]:
    """Return which gates have capabilities that pass and fail, lost benchmarks and slices, damaged replies, and a hidden danger, by the rules
    of a recipe; counts as `draw` and `draw_replies` return them.
    """
    whole = stats.decide_counts(lost.sum(axis=2), gained.sum(axis=2), gate.items, margin=CAPABILITY_MARGIN, alpha=ALPHA)
    # Holm's first step over all benchmarks, and over slices and then benchmarks that have slices.
    benchmark = p_values(lost.sum(axis=2), gained.sum(axis=2), gate.items, BENCHMARK_MARGIN).min(axis=1) * lost.shape[1] <= ALPHA
    reliable = slice(PERFORMANCE, None)
    parts = p_values(lost[:, reliable], gained[:, reliable], gate.items // gate.slices, BENCHMARK_MARGIN)
    slice_lost = parts.min(axis=2).min(axis=1) * gate.slices * RELIABILITY <= ALPHA
    replies = p_values(damaged, mended, gate.items, RISE)
    replies_damaged = replies.min(axis=2).min(axis=1) * replies[0].size <= ALPHA
    kept = whole.passes[:, :PERFORMANCE].all(axis=1)
    return {
        "passes": whole.passes.all(axis=1),
        "capability_fails": whole.fails.any(axis=1),
        "benchmark_fails": benchmark,
        "slice_lost": slice_lost,
        "replies_damaged": replies_damaged,
        "hidden_danger": kept & (slice_lost | replies_damaged | whole.fails[:, reliable].any(axis=1)),
    }


def drift(gate: Gate, gates: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return which gates have all drift checks pass, and which have one fail, if only noise flips items since the baseline."""
    noise = NOISE * gate.discordance
    counts = random.multinomial(gate.items, [noise / 2, noise / 2, 1 - noise], size=(gates, PERFORMANCE + RELIABILITY))
    down = stats.decide_counts(counts[..., 0], counts[..., 1], gate.items, margin=DRIFT_MARGIN, alpha=ALPHA)
    up = stats.decide_counts(counts[..., 1], counts[..., 0], gate.items, margin=DRIFT_MARGIN, alpha=ALPHA)
    return (down.passes & up.passes).all(axis=1), down.fails.any(axis=1)


def measure(gate: Gate, replicates: int) -> Outcome:
    """Simulate gates with a seed that depends on the case alone, in chunks."""
    seed = [gate.items, gate.slices, round(1e4 * gate.discordance), round(1e4 * gate.drop), gate.losing]
    # Replies have a stream of their own, so that all else is drawn as it was without them.
    random, of_replies = np.random.default_rng(seed), np.random.default_rng([*seed, 1])
    names = tuple(Outcome.__dataclass_fields__)[:-1]
    found = dict.fromkeys(names, 0.0)
    for start in range(0, replicates, CHUNK):
        many = min(CHUNK, replicates - start)
        sides = judged(gate, *draw(gate, many, random), *draw_replies(gate, many, of_replies))
        sides["drift_passes"], sides["drift_fails"] = drift(gate, many, random)
        sides["latency_fails"] = latency.decide(latency.rounds(1.0, SPREAD, 0.0, many, random)).fails
        failing = [sides[name] for name in ("capability_fails", "benchmark_fails", "hidden_danger", "drift_fails", "latency_fails")]
        sides["any_fails"] = np.any(failing, axis=0)
        sides["passes"] &= ~sides["any_fails"]
        sides["undecided"] = ~sides["passes"] & ~sides["any_fails"]
        for name in names:
            found[name] += float(sides[name].sum())
    return Outcome(*(found[name] / replicates for name in names), replicates)


GATES = (
    Gate(150, 5, 0.02),
    Gate(150, 5, 0.1),
    Gate(150, 5, 0.2),
    Gate(400, 10, 0.05),
    Gate(150, 5, 0.5),
    Gate(400, 10, 0.2),
    Gate(400, 10, 0.5),
    Gate(1000, 5, 0.02),
    Gate(1000, 5, 0.05),
    Gate(1000, 5, 0.1),
    Gate(1000, 5, 0.2),
    Gate(1000, 20, 0.2),
    Gate(4000, 5, 0.1),
    Gate(4000, 5, 0.2),
    Gate(1000, 5, 0.1, CAPABILITY_MARGIN, 1),
    Gate(1000, 5, 0.1, CAPABILITY_MARGIN),
)


def main() -> None:
    """Measure the gates that are not stored; the argument is the number of replicates."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    known = {Gate(**{name: row[name] for name in Gate.__dataclass_fields__}) for row in evidence.read(NAME)}
    for gate in GATES:
        if gate not in known:
            row = {**asdict(gate), **asdict(measure(gate, replicates))}
            evidence.append(NAME, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
