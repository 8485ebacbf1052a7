"""Pairs every timed round of a candidate with a round of the reference just before it, so that a busy machine slows both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 12
WARM_UP = 2


class PairedRounds:
    """Collects paired seconds; `before` is the setup of each timed round and runs the reference."""

    def __init__(self, reference: Callable[[], None], candidate: Callable[[], None]) -> None:
        """Take the two functions, each performing one round on its own loaded model."""
        self._reference = reference
        self.candidate = candidate
        self.reference_seconds: list[float] = []
        self.candidate_seconds: list[float] = []

    def before(self) -> None:
        """Time one round of the reference (pytest-benchmark calls this before every round, warm-up rounds included)."""
        started = time.perf_counter()
        self._reference()
        self.reference_seconds.append(time.perf_counter() - started)

    def finish(self, candidate_seconds: Sequence[float]) -> None:
        """Take the candidate's timed rounds and drop the reference rounds that belonged to the warm-up."""
        self.candidate_seconds = list(candidate_seconds)
        self.reference_seconds = self.reference_seconds[-len(self.candidate_seconds) :]

    @classmethod
    def of(cls, document: dict[str, Any]) -> PairedRounds:
        """Rebuild from what `extra_info` gave."""
        rounds = cls(lambda: None, lambda: None)
        rounds.reference_seconds, rounds.candidate_seconds = document["reference_seconds"], document["candidate_seconds"]
        return rounds

    def extra_info(self) -> dict[str, Any]:
        """Return the paired seconds, for pytest-benchmark's own report and for the store."""
        return {"reference_seconds": self.reference_seconds, "candidate_seconds": self.candidate_seconds}
