"""Compares the probability of a PASS that a report prints with the true one: `python -m benchmarks.rates.printed 100`.

Each gate of `gate.py` whose model loses nothing is drawn anew, and the probability is computed from the flips of that draw alone, as a report does.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from benchmarks.rates import evidence, gate
from pytest_unicomp.compare.expected import Expected, discordance
from pytest_unicomp.compare.simulated_gate import chances

NAME = "printed"


def printed(one: gate.Gate, random: np.random.Generator) -> float:
    """Return the probability that a report of one drawn gate prints."""
    lost, gained = (side[0].sum(axis=1) for side in gate.draw(one, 1, random))
    expected = [
        Expected(
            benchmark=f"benchmark-{place}",
            capability=f"capability-{place}",
            items=one.items,
            discordance=discordance(int(flips), one.items),
            spread=None,
            design_effect=1.0,
            margin=gate.BENCHMARK_MARGIN,
            capability_margin=gate.CAPABILITY_MARGIN,
        )
        for place, flips in enumerate(lost + gained)
    ]
    return chances(expected, alpha=gate.ALPHA).passes


def measure(row: dict[str, Any], draws: int) -> dict[str, Any]:
    """Return the true probability of a stored gate, and mean, 5 % and 95 % quantile of those printed."""
    one = gate.Gate(**{name: row[name] for name in gate.Gate.__dataclass_fields__})
    random = np.random.default_rng([one.items, one.slices, round(1e4 * one.discordance)])
    found = np.array([printed(one, random) for _ in range(draws)])
    low, high = np.quantile(found, [0.05, 0.95])
    size = {"items": one.items, "slices": one.slices, "discordance": one.discordance}
    return {**size, "true": row["passes"], "mean": float(found.mean()), "low": float(low), "high": float(high), "draws": draws}


def main() -> None:
    """Measure the unchanged gates that are not stored; the argument is the number of draws of each."""
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    known = [(row["items"], row["slices"], row["discordance"]) for row in evidence.read(NAME)]
    for row in evidence.read(gate.NAME):
        if row["drop"] == 0 and (row["items"], row["slices"], row["discordance"]) not in known:
            found = measure(row, draws)
            evidence.append(NAME, found)
            print(found, flush=True)


if __name__ == "__main__":
    main()
