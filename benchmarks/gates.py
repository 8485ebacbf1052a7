"""Compares what gates see: the true drop that each rule notices with 80 % power, on the same simulated evaluations: `python benchmarks/gates.py`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

import numpy as np
from scipy.optimize import brentq

from pytest_unicomp.compare import stats

ALPHA, POWER, ACCURACY, MARGIN = 0.05, 0.8, 0.7, 0.03
Counts = tuple[np.ndarray, np.ndarray, np.ndarray, int]
Rule = Callable[[Counts], np.ndarray]


def draw(n: int, discordance: float, drop: float, replicates: int) -> Counts:
    """Return items right with the reference, lost and gained ones, and n; the same random numbers for every drop, so that rates are smooth in it."""
    lost = (max(discordance, drop) + drop) / 2
    gained = max(discordance, drop) - lost
    counts = np.random.default_rng(n).multinomial(n, [lost, gained, ACCURACY - lost, 1 - ACCURACY - gained], size=replicates)
    return counts[:, 0] + counts[:, 2], counts[:, 0], counts[:, 1], n


def recovery(counts: Counts) -> np.ndarray:
    """llm-compressor tests/lmeval: fails where candidate / reference, rounded to the nearest percent, is below 0.95."""
    right, lost, gained, _ = counts
    return np.round((right - lost + gained) / right, 2) < 0.95


def band(counts: Counts) -> np.ndarray:
    """vLLM .buildkite/lm-eval-harness: fails where the candidate is below 92 % of the reference."""
    right, lost, gained, _ = counts
    return (right - lost + gained) / right < 1 - 0.08


def unpaired(counts: Counts) -> np.ndarray:
    """TensorRT-LLM tests accuracy_core: reference - z(0.95) sqrt(2 sigma^2 / n) with sigma 50 points, one-sided, items not paired."""
    _, lost, gained, n = counts
    return (gained - lost) / n < -1.6448536 * np.sqrt(2 * 0.5**2 / n)


def comparator(counts: Counts) -> np.ndarray:
    """lm-eval scripts/model_comparator.py: two-sided z of the unpaired standard errors at 0.05; only drops count here."""
    right, lost, gained, n = counts
    before, after = right / n, (right - lost + gained) / n
    return after - before < -1.959964 * np.sqrt((before * (1 - before) + after * (1 - after)) / (n - 1))


def fails(counts: Counts) -> np.ndarray:
    """Ours: FAIL, a loss beyond the margin is shown."""
    _, lost, gained, n = counts
    return stats.decide_counts(lost, gained, n, margin=MARGIN, alpha=ALPHA).fails


def not_green(counts: Counts) -> np.ndarray:
    """Ours: not PASS, a loss beyond the margin is not ruled out."""
    _, lost, gained, n = counts
    return ~stats.decide_counts(lost, gained, n, margin=MARGIN, alpha=ALPHA).passes


def notices(counts: Counts) -> np.ndarray:
    """Ours: the interval lies below 0, a drop of whatever size is detected."""
    _, lost, gained, n = counts
    return stats.decide_counts(lost, gained, n, margin=0.0, alpha=ALPHA).fails


RULES: Mapping[str, Rule] = {
    "llm-compressor: recovery 0.95, rounded": recovery,
    "vLLM: band of 8 %": band,
    "TensorRT-LLM: unpaired test, sigma 50": unpaired,
    "lm-eval: unpaired comparator": comparator,
    "ours: a drop is detected": notices,
    f"ours: not PASS at {100 * MARGIN:.0f} points": not_green,
    f"ours: FAIL at {100 * MARGIN:.0f} points": fails,
}


def detected(rule: Rule, n: int, discordance: float, replicates: int) -> float:
    """Return the true drop at which a rule strikes with 80 % power; 0 where it does so without any."""

    def rate(drop: float) -> float:
        return float(rule(draw(n, discordance, drop, replicates)).mean()) - POWER

    return 0.0 if rate(0.0) > 0 else float(brentq(rate, 0.0, 0.2, xtol=1e-4))


def main() -> None:
    """Print one row per rule."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    columns = [(n, discordance) for n in (1000, 4000) for discordance in (0.04, 0.08)]
    names = [f"n {n}, discordance {discordance}" for n, discordance in columns]
    print(f"| gate | {' | '.join(names)} | strikes an unchanged model (n 1000, discordance 0.08) |")
    print("| --- |" + " --- |" * (len(columns) + 1))
    for name, rule in RULES.items():
        drops = [f"{100 * detected(rule, n, discordance, replicates):.1f}" for n, discordance in columns]
        alarm = float(rule(draw(1000, 0.08, 0.0, replicates)).mean())
        print(f"| {name} | {' | '.join(drops)} | {100 * alarm:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
