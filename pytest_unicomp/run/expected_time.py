"""Expects how long a run of the embedded model takes in all: importing libraries, making recipes and timing them, beside its evaluations."""

from __future__ import annotations

from typing import Final

from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.forecast import Forecast
from pytest_unicomp.run.preflight import Prepared

# Seconds on two idle cores of a server's CPU, rounded from runs with an empty store: the one model whose work is the same everywhere.
MODEL: Final = "nano"
START, TIMING = 20.0, 8.0
MAKING: Final = {"distillation": 300.0, "calibrated": 35.0, "rounded": 1.0}


def seconds_in_all(prepared: Prepared, found: Forecast) -> float | None:
    """Return the seconds of a run whose store is empty, or None if a part of them is unknown: another model, or a set that was never timed."""
    if prepared.plan.model != MODEL or found.seconds is None:
        return None
    made = [candidate for candidate in prepared.plan.candidates if candidate.method is not None and not candidate.is_reference]
    timed = len(prepared.plan.of_kind("latency")) + len(prepared.plan.kernels())
    return START + found.seconds + sum(MAKING[_kind(candidate)] for candidate in made) + TIMING * timed


def _kind(candidate: Candidate) -> str:
    if candidate.family == "distillation":
        return "distillation"
    return "calibrated" if candidate.calibrated else "rounded"
