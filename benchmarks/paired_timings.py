"""Prints how often the 95 % interval of dense against itself contains 1, and how wide it is: what a ratio of paired timings is worth on this host."""

from __future__ import annotations

import sys
import tempfile
import time

from pytest_unicomp.compare import stats
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.host import health, host
from pytest_unicomp.engine.host.paired_timing import ROUNDS, WARM_UP, PairedRounds
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.run import Run

BENCHMARKS = ("prefill-latency", "decode-latency")
RUNS = 20
CONFIDENCE = 0.95


def timed(run: Run, cell: Cell) -> PairedRounds:
    """Time one run's rounds as the suite does, warm-up included."""
    rounds = run.timings.rounds(cell)
    seconds = []
    for _ in range(ROUNDS + WARM_UP):
        rounds.before()
        started = time.perf_counter()
        rounds.candidate()
        seconds.append(time.perf_counter() - started)
    rounds.finish(seconds[WARM_UP:])
    return rounds


def main(model: str) -> None:
    """Time `RUNS` runs of each benchmark on the model beside itself."""
    with tempfile.TemporaryDirectory() as store:
        run = Run(resolve({"model": model, "recipe": ["dense"], "benchmark": [",".join(BENCHMARKS)], "cache": store}, {}))
        print(f"{model} on {host.device_name(run.results.device)}; {ROUNDS} pairs a run, intervals at {100 * CONFIDENCE:.0f} %")
        for cell in run.plan.cells:
            holding, halves, unhealthy = 0, [], 0
            for _ in range(RUNS):
                rounds = timed(run, cell)
                found = stats.ratio_interval(rounds.reference_seconds, rounds.candidate_seconds, confidence=CONFIDENCE)
                holding += found.lower <= 1 <= found.upper
                halves.append((found.upper - found.lower) / 2)
                unhealthy += rounds.health is not None and health.timing_problem(rounds.health) is not None
            halves.sort()
            print(
                f"{cell.benchmark}: {holding} of {RUNS} intervals contain 1; half-width {100 * halves[RUNS // 2]:.1f} % (median), "
                f"{100 * halves[-1]:.1f} % (widest); the host was not healthy in {unhealthy} runs"
            )
        run.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "nano")
