"""Paired timing: every timed round of a candidate has a round of the reference next to it, in alternating order, so that drift of the machine cancels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host.health import HostMonitor

ROUNDS = 12
WARM_UP = 2
# A round returns the seconds that count, or None if all of its time counts.
Round = Callable[[], "float | None"]
T = TypeVar("T")


def fastest_seconds(round_: Round, *, rounds: int = 3) -> float:
    """Return the seconds of the fastest of a few rounds, after a warm-up round: for choosing between kernels, not for reports."""
    round_()
    return min(round_seconds(round_) for _ in range(rounds))


def round_seconds(round_: Round) -> float:
    """Run one round and return its seconds: those that it returns, else its whole duration."""
    started = time.perf_counter()
    counted = round_()
    return time.perf_counter() - started if counted is None else counted


def device_seconds(device: str, work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that `work` takes on a device, and its result; measured by CUDA events on a GPU, by the clock on a CPU."""
    if not device.startswith("cuda"):
        started = time.perf_counter()
        result = work()
        return time.perf_counter() - started, result
    import torch

    event: Any = torch.cuda.Event
    with torch.cuda.device(device):
        begin, end = event(enable_timing=True), event(enable_timing=True)
        begin.record()
        result = work()
        end.record()
        end.synchronize()
    return float(begin.elapsed_time(end)) / 1000, result


class PairedRounds:
    """Collects the seconds of paired rounds. Call `before` ahead of each `candidate` round: the reference runs before every other one, after the rest."""

    def __init__(
        self,
        reference: Round,
        candidate: Round,
        kernels: tuple[str, str] = ("", ""),
        *,
        device: str = "cpu",
        sessions: Sequence[int] = (),
        watched: bool = True,
        launching: tuple[float, float] | None = None,
    ) -> None:
        """Take two functions, each of which runs one round on its own loaded model, and the names of the `kernels` that compute them.

        `device` and `sessions` are those of `HostMonitor`. `watched` is False if the work happens on another host, whose health is unknown.
        `launching` are the launching shares of reference and candidate (`launching.launching_share`), None on a CPU.
        """
        self._reference, self._candidate = reference, candidate
        self.kernels = kernels
        self._launching = launching
        self.reference_seconds: list[float] = []
        self.candidate_seconds: list[float] = []
        self.health: HostHealth | None = None
        self._rounds = 0
        self._reference_due = False
        self._counted: list[float | None] = []
        self._monitor = HostMonitor(device, sessions) if watched else None

    def before(self) -> None:
        """Prepare one round, warm-up rounds included (the `setup` of pytest-benchmark): run the reference if it is due, or first in this pair."""
        self._run_due_reference()
        if self._rounds % 2 == 0:
            self._run_reference()
        else:
            self._reference_due = True
        self._rounds += 1

    def candidate(self) -> None:
        """Run one round of the candidate; the caller measures the time, unless the round returns its seconds."""
        self._counted.append(self._candidate())

    def finish(self, candidate_seconds: Sequence[float]) -> None:
        """Take the seconds of the candidate's timed rounds, run the reference if it is due, and drop the reference rounds of the warm-up."""
        self._run_due_reference()
        counted = self._counted[-len(candidate_seconds) :]
        own = [seconds for seconds in counted if seconds is not None]
        self.candidate_seconds = own if len(own) == len(candidate_seconds) else list(candidate_seconds)
        self.reference_seconds = self.reference_seconds[-len(self.candidate_seconds) :]
        self.health = self._monitor.health().model_copy(update={"launching": self._launching}) if self._monitor is not None else None

    def _run_due_reference(self) -> None:
        if self._reference_due:
            self._run_reference()
            self._reference_due = False

    def _run_reference(self) -> None:
        self.reference_seconds.append(round_seconds(self._reference))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> PairedRounds:
        """Return the finished rounds that `extra_info` described."""
        rounds = cls(lambda: None, lambda: None, tuple(document["kernels"]))
        rounds.reference_seconds, rounds.candidate_seconds = document["reference_seconds"], document["candidate_seconds"]
        rounds.health = HostHealth.model_validate(document["health"]) if document["health"] else None
        return rounds

    def extra_info(self) -> dict[str, Any]:
        """Return the paired seconds, their ratios, the kernels and the host's health, for pytest-benchmark's own report and for the store."""
        pairs = zip(self.reference_seconds, self.candidate_seconds, strict=True)
        return {
            "reference_seconds": self.reference_seconds,
            "candidate_seconds": self.candidate_seconds,
            "ratios": [after / before for before, after in pairs],
            "kernels": list(self.kernels),
            "health": self.health.model_dump(mode="json") if self.health else None,
        }
