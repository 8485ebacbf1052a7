"""Pairs every timed round of a candidate with a round of the reference, before it and after it in turn, so that drift of the machine cancels."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROUNDS = 12
WARM_UP = 2
# Cores that other processes keep busy, as a share of the machine's, above which a timing says little; and how full the machine must be for that.
OTHERS_SHARE, FULL_SHARE = 0.25, 0.85


@dataclass(frozen=True)
class Health:
    """The host while rounds were timed: cores of the machine, how many of them all processes and other processes kept busy on average, load
    average over a minute, and the clock in MHz where the system tells it. None: not known here."""

    cores: int
    busy_cores: float | None
    others_busy_cores: float | None
    load: float | None
    megahertz: float | None

    @property
    def problem(self) -> str | None:
        """Say in one phrase why timings say little, or None where nothing speaks against them (or nothing is known)."""
        if self.busy_cores is None or self.others_busy_cores is None:
            return None
        if self.others_busy_cores > OTHERS_SHARE * self.cores and self.busy_cores > FULL_SHARE * self.cores:
            return f"other processes kept {self.others_busy_cores:.1f} of the machine's {self.cores} cores busy"
        return None


class Watch:
    """Reads the counters when it is made, and again when asked for the host's health in between."""

    def __init__(self) -> None:
        """Begin to watch."""
        self._began, self._own, self._all = time.perf_counter(), _own_seconds(), _busy_seconds()

    def health(self) -> Health:
        """Return the host's health since the beginning."""
        elapsed = max(1e-6, time.perf_counter() - self._began)
        own, busy = (_own_seconds() - self._own) / elapsed, _busy_seconds()
        all_busy = None if busy is None or self._all is None else (busy - self._all) / elapsed
        return Health(
            cores=os.cpu_count() or 1,
            busy_cores=all_busy,
            others_busy_cores=None if all_busy is None else max(0.0, all_busy - own),
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            megahertz=_megahertz(),
        )


def _own_seconds() -> float:
    used = os.times()
    return used.user + used.system


def _busy_seconds() -> float | None:
    """Return the seconds that all cores were busy since the machine began (Linux: the first line of /proc/stat, without idle and waiting)."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _, _, hardware, software, stolen = (int(value) for value in first)
    return (user + nice + system + hardware + software + stolen) / float(os.sysconf("SC_CLK_TCK"))


def _megahertz() -> float | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    clocks = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
    return sum(clocks) / len(clocks) if clocks else None


def best(round_: Callable[[], None], *, rounds: int = 3) -> float:
    """Return the seconds of the fastest of a few rounds, after one that warms up: to choose by, not to report."""
    round_()
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        round_()
        found.append(time.perf_counter() - started)
    return min(found)


class PairedRounds:
    """Collects paired seconds. `before` is the setup of each timed round: it runs the reference before every other round, and after the rest."""

    def __init__(self, reference: Callable[[], None], candidate: Callable[[], None], kernels: tuple[str, str] = ("", "")) -> None:
        """Take the two functions, each performing one round on its own loaded model, and what computes in each."""
        self._reference = reference
        self.candidate = candidate
        self.kernels = kernels
        self.reference_seconds: list[float] = []
        self.candidate_seconds: list[float] = []
        self.health: Health | None = None
        self._rounds = 0
        self._owed = False
        self._watch = Watch()

    def before(self) -> None:
        """Prepare one round (pytest-benchmark calls this before every round, warm-up rounds included): settle what is owed, then go first or not."""
        self._settle()
        if self._rounds % 2 == 0:
            self._time_reference()
        else:
            self._owed = True
        self._rounds += 1

    def finish(self, candidate_seconds: Sequence[float]) -> None:
        """Take the candidate's timed rounds, time what is still owed, and drop the reference rounds that belonged to the warm-up."""
        self._settle()
        self.candidate_seconds = list(candidate_seconds)
        self.reference_seconds = self.reference_seconds[-len(self.candidate_seconds) :]
        self.health = self._watch.health()

    def _settle(self) -> None:
        if self._owed:
            self._time_reference()
            self._owed = False

    def _time_reference(self) -> None:
        started = time.perf_counter()
        self._reference()
        self.reference_seconds.append(time.perf_counter() - started)

    @classmethod
    def of(cls, document: dict[str, Any]) -> PairedRounds:
        """Rebuild from what `extra_info` gave."""
        rounds = cls(lambda: None, lambda: None, tuple(document["kernels"]))
        rounds.reference_seconds, rounds.candidate_seconds = document["reference_seconds"], document["candidate_seconds"]
        rounds.health = Health(**document["health"]) if document["health"] else None
        return rounds

    def extra_info(self) -> dict[str, Any]:
        """Return the paired seconds, their ratios, what computed and how the host was, for pytest-benchmark's own report and for the store."""
        pairs = zip(self.reference_seconds, self.candidate_seconds, strict=True)
        return {
            "reference_seconds": self.reference_seconds,
            "candidate_seconds": self.candidate_seconds,
            "ratios": [after / before for before, after in pairs],
            "kernels": list(self.kernels),
            "health": asdict(self.health) if self.health else None,
        }
