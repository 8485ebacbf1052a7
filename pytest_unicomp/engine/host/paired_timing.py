"""Pairs every timed round of a candidate with a round of the reference, before it and after it in turn, so that drift of the machine cancels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host.health import Watch

ROUNDS = 12
WARM_UP = 2
# A round returns the seconds that count, or None where all of it counts.
Round = Callable[[], "float | None"]
T = TypeVar("T")


def best(round_: Round, *, rounds: int = 3) -> float:
    """Return the seconds of the fastest of a few rounds, after one that warms up: to choose by, not to report."""
    round_()
    return min(timed(round_) for _ in range(rounds))


def timed(round_: Round) -> float:
    """Perform one round and return its seconds: those that it counted itself, else all."""
    started = time.perf_counter()
    counted = round_()
    return time.perf_counter() - started if counted is None else counted


def on_device(device: str, work: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that `work` takes on a device, and what it returned: between two events in the queue of a GPU, by the clock on a CPU."""
    if not device.startswith("cuda"):
        started = time.perf_counter()
        found = work()
        return time.perf_counter() - started, found
    import torch

    event: Any = torch.cuda.Event
    with torch.cuda.device(device):
        begin, end = event(enable_timing=True), event(enable_timing=True)
        begin.record()
        found = work()
        end.record()
        end.synchronize()
    return float(begin.elapsed_time(end)) / 1000, found


class PairedRounds:
    """Collects paired seconds. `before` is the setup of each timed round: it runs the reference before every other round, and after the rest."""

    def __init__(
        self,
        reference: Round,
        candidate: Round,
        kernels: tuple[str, str] = ("", ""),
        *,
        device: str = "cpu",
        sessions: Sequence[int] = (),
        watched: bool = True,
    ) -> None:
        """Take the two functions, each performing one round on its own loaded model, what computes in each, and where (`health.Watch`).

        `watched`: this host does the work, so that its health says something about the timings.
        """
        self._reference, self._candidate = reference, candidate
        self.kernels = kernels
        self.reference_seconds: list[float] = []
        self.candidate_seconds: list[float] = []
        self.health: HostHealth | None = None
        self._rounds = 0
        self._owed = False
        self._counted: list[float | None] = []
        self._watch = Watch(device, sessions) if watched else None

    def before(self) -> None:
        """Prepare one round (pytest-benchmark calls this before every round, warm-up rounds included): settle what is owed, then go first or not."""
        self._settle()
        if self._rounds % 2 == 0:
            self._time_reference()
        else:
            self._owed = True
        self._rounds += 1

    def candidate(self) -> None:
        """Perform one round of the candidate; the caller takes the time, unless the round counts its own seconds."""
        self._counted.append(self._candidate())

    def finish(self, candidate_seconds: Sequence[float]) -> None:
        """Take the candidate's timed rounds, time what is still owed, and drop the reference rounds that belonged to the warm-up."""
        self._settle()
        counted = self._counted[-len(candidate_seconds) :]
        own = [seconds for seconds in counted if seconds is not None]
        self.candidate_seconds = own if len(own) == len(candidate_seconds) else list(candidate_seconds)
        self.reference_seconds = self.reference_seconds[-len(self.candidate_seconds) :]
        self.health = self._watch.health() if self._watch is not None else None

    def _settle(self) -> None:
        if self._owed:
            self._time_reference()
            self._owed = False

    def _time_reference(self) -> None:
        self.reference_seconds.append(timed(self._reference))

    @classmethod
    def of(cls, document: dict[str, Any]) -> PairedRounds:
        """Rebuild from what `extra_info` gave."""
        rounds = cls(lambda: None, lambda: None, tuple(document["kernels"]))
        rounds.reference_seconds, rounds.candidate_seconds = document["reference_seconds"], document["candidate_seconds"]
        rounds.health = HostHealth.model_validate(document["health"]) if document["health"] else None
        return rounds

    def extra_info(self) -> dict[str, Any]:
        """Return the paired seconds, their ratios, what computed and how the host was, for pytest-benchmark's own report and for the store."""
        pairs = zip(self.reference_seconds, self.candidate_seconds, strict=True)
        return {
            "reference_seconds": self.reference_seconds,
            "candidate_seconds": self.candidate_seconds,
            "ratios": [after / before for before, after in pairs],
            "kernels": list(self.kernels),
            "health": self.health.model_dump(mode="json") if self.health else None,
        }
