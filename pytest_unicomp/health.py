"""Watches the host, and the GPU that is timed, while rounds are taken, and says whether anything spoke against the timings."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_unicomp import nvml

# Cores that other processes keep busy, as a share of the machine's, above which a timing says little; and how full the machine must be for that.
OTHERS_SHARE, FULL_SHARE = 0.25, 0.85


@dataclass(frozen=True)
class Health:
    """The host while rounds were timed: cores of the machine, how many of them all processes and other processes kept busy on average, load
    average over a minute, and the clock in MHz where the system tells it. Of a GPU: processes of others on it, clock now and highest in MHz, what
    holds its clock down, and joules that it used meanwhile. None: not known here, or not there."""

    cores: int
    busy_cores: float | None
    others_busy_cores: float | None
    load: float | None
    megahertz: float | None
    gpu_others: int | None = None
    gpu_megahertz: tuple[int, int] | None = None
    gpu_throttled: str | None = None
    joules: float | None = None

    @property
    def problem(self) -> str | None:
        """Say in one phrase why timings say little, or None where nothing speaks against them (or nothing is known)."""
        if self.gpu_others:
            return f"processes of others use the GPU ({self.gpu_others})"
        if self.gpu_throttled:
            return f"{self.gpu_throttled} holds the GPU's clock down"
        if self.busy_cores is None or self.others_busy_cores is None:
            return None
        if self.others_busy_cores > OTHERS_SHARE * self.cores and self.busy_cores > FULL_SHARE * self.cores:
            return f"other processes kept {self.others_busy_cores:.1f} of the machine's {self.cores} cores busy"
        return None


class Watch:
    """Reads the counters when it is made, and again when asked for the health of host and device in between.

    `sessions` are process groups (by their leaders) that work for us, such as a server that was started: what they use is not others'.
    """

    def __init__(self, device: str = "cpu", sessions: Sequence[int] = ()) -> None:
        """Begin to watch."""
        self._device, self._sessions = device, tuple(sessions)
        self._joules = nvml.energy(device)
        self._began, self._own, self._all = time.perf_counter(), self._own_seconds(), _busy_seconds()

    def health(self) -> Health:
        """Return the health since the beginning."""
        elapsed = max(1e-6, time.perf_counter() - self._began)
        own, busy = (self._own_seconds() - self._own) / elapsed, _busy_seconds()
        all_busy = None if busy is None or self._all is None else (busy - self._all) / elapsed
        joules = nvml.energy(self._device)
        return Health(
            cores=os.cpu_count() or 1,
            busy_cores=all_busy,
            others_busy_cores=None if all_busy is None else max(0.0, all_busy - own),
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            megahertz=_megahertz(),
            gpu_others=nvml.others(self._device),
            gpu_megahertz=nvml.clocks(self._device),
            gpu_throttled=nvml.throttled(self._device),
            joules=None if joules is None or self._joules is None else joules - self._joules,
        )

    def _own_seconds(self) -> float:
        used = os.times()
        return used.user + used.system + (_seconds_of(self._sessions) if self._sessions else 0.0)


def _seconds_of(sessions: Sequence[int]) -> float:
    """Return the processor seconds of all processes of these sessions that live now (Linux; 0 elsewhere)."""
    total = 0.0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in parentheses and may hold blanks; what follows it are fields 3 and on.
            fields = file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in sessions:
            total += (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    return total


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
