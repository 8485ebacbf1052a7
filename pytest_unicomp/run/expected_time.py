"""Expects how long a run takes with an empty store: from what was timed before, else from the model's size, the tokens of items and this machine's rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from pytest_unicomp.api.benchmark import ItemBenchmark
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.benchmarks.efficiency.latency import Latency
from pytest_unicomp.engine.host import host
from pytest_unicomp.run.calibrate import amount_for
from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.expected_work import parameters, reading_tokens
from pytest_unicomp.run.pace import Pace
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.preflight import Prepared
from pytest_unicomp.run.prior_evidence import PriorEvidence

# The embedded model, whose work is the same everywhere: seconds on two idle cores of a server's CPU, rounded from runs with an empty store.
EMBEDDED: Final = "nano"
START, TIMING = 20.0, 8.0
MAKING: Final = {"distillation": 300.0, "calibrated": 35.0, "rounded": 1.0}
# Share of the rate of a large product that reading text reaches, and the seconds that an item takes whatever the model is.
EFFICIENCY, PER_ITEM = 0.6, 0.004
# Rounding and writing a parameter; a calibrated method also solves for it, and reads the calibration text once to gather and once to correct.
ROUNDING, SOLVING, PASSES = 2e-8, 2e-7, 3.0
ROUNDS = 20.0
# The truth is looked for within these factors of an estimate: of one from sizes alone, and of one that this machine's own timings scale.
WIDE, NARROW = 2.5, 1.5


@dataclass(frozen=True)
class Duration:
    """Expected seconds; the truth is expected between them divided and multiplied by `factor` (1: they were timed before)."""

    seconds: float
    factor: float

    def __add__(self, other: Duration) -> Duration:
        """Return the sum, as uncertain as its less certain part that matters."""
        both = self.seconds + other.seconds
        return Duration(both, (self.seconds * self.factor + other.seconds * other.factor) / both if both else 1.0)


def evaluation(prepared: Prepared, known: Sequence[tuple[Cell, PriorEvidence]]) -> Duration | None:
    """Return how long all evaluations take, the reference's as long as the longest of a recipe; None if a number of items or all timings are unknown."""
    timed = Pace(prepared.store, prepared.plan.model, prepared.device).timed()
    per_item = {name: found.seconds / found.items for name, found in timed.items()}
    measured = {**{cell.benchmark: one.seconds / one.items for cell, one in known if one.seconds is not None and one.items}, **per_item}
    guessed = _guessed(prepared, {cell.benchmark for cell, _ in known})
    # The benchmarks that were timed say by how much the estimates of the others are off.
    both = [name for name in measured if name in guessed]
    scale = sum(measured[name] for name in both) / sum(guessed[name] for name in both) if both else 1.0
    longest: dict[str, float] = {}
    estimated = total = 0.0
    for cell, one in known:
        each = measured.get(cell.benchmark, scale * guessed[cell.benchmark] if cell.benchmark in guessed else None)
        if each is None or one.items is None:
            return None
        longest[cell.benchmark] = max(longest.get(cell.benchmark, 0.0), each * one.items)
        total += each * one.items
        estimated += each * one.items if cell.benchmark not in measured else 0.0
    factor = NARROW if measured else WIDE
    whole = total + sum(longest.values())
    return Duration(whole, 1.0 + (factor - 1.0) * (estimated / total if total else 0.0))


def in_all(prepared: Prepared, evaluated: Duration | None) -> Duration | None:
    """Return how long the whole run takes: start, evaluations, recipes and timings; None if a part of it is unknown."""
    if evaluated is None:
        return None
    made = [candidate for candidate in prepared.plan.candidates if candidate.method is not None and not candidate.is_reference]
    timed = len(prepared.plan.of_kind("latency")) + len(prepared.plan.kernels())
    if prepared.plan.model == EMBEDDED:
        fixed = START + sum(MAKING[_kind(candidate)] for candidate in made) + TIMING * timed
        return evaluated + Duration(fixed, 1.0)
    token = _seconds_of_token(prepared)
    if token is None or any(_kind(candidate) == "distillation" for candidate in made):
        return None
    making = [_making(prepared, candidate, token) for candidate in made]
    rest = sum(making) + len(prepared.plan.kernels()) * TIMING + sum(_latency(cell, token) for cell in prepared.plan.of_kind("latency"))
    return evaluated + Duration(START, 1.0) + Duration(rest, WIDE)


def _guessed(prepared: Prepared, names: set[str]) -> Mapping[str, float]:
    """Return the seconds of an item by benchmark, from sizes alone; empty if the model's are not known."""
    token = _seconds_of_token(prepared)
    if token is None:
        return {}
    typical = {name: cast("ItemBenchmark", prepared.plan.table[name]).typical_tokens(prepared.evaluation) for name in names}
    return {name: PER_ITEM + token * reading_tokens(found.read, found.written) for name, found in typical.items()}


def _seconds_of_token(prepared: Prepared) -> float | None:
    """Return the seconds that reading a token takes here; None for a model whose configuration is not on this machine, or that a server runs."""
    size = None if prepared.config is None else parameters(prepared.config)
    if size is None or prepared.device == "server" or prepared.settings.backend != "hf":
        return None
    return 2 * size / (EFFICIENCY * Pace(prepared.store, prepared.plan.model, prepared.device).multiplications())


def _making(prepared: Prepared, candidate: Candidate, token: float) -> float:
    size = parameters(prepared.config or {}) or 0.0
    if not candidate.calibrated:
        return START + ROUNDING * size
    try:
        amount = amount_for(
            prepared.settings, prepared.plan.model, parameters=int(size), context=None, device=host.device_type(prepared.device)
        )
    except UnicompError:
        return START + SOLVING * size
    return START + SOLVING * size + PASSES * token * amount.samples * amount.tokens


def _latency(cell: Cell, token: float) -> float:
    """Return the seconds of a paired timing: rounds of both sides, each reading and writing its tokens."""
    entry = benchmarks()[cell.benchmark]
    if not isinstance(entry, Latency):
        return TIMING
    return TIMING + 2 * ROUNDS * token * entry.batch * reading_tokens(entry.prompt, entry.decode)


def _kind(candidate: Candidate) -> str:
    if candidate.family == "distillation":
        return "distillation"
    return "calibrated" if candidate.calibrated else "rounded"
