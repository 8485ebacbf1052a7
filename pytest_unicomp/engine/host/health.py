"""Watches the host, and the GPU that is timed, while rounds are taken, and says whether anything spoke against the timings."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host import nvml

# Cores that other processes keep busy, as a share of the machine's, above which a timing says little; and how full the machine must be for that.
OTHERS_SHARE, FULL_SHARE = 0.25, 0.85


def problem(health: HostHealth) -> str | None:
    """Say in one phrase why timings say little, or None where nothing speaks against them (or nothing is known)."""
    if health.gpu_others:
        return f"processes of others use the GPU ({health.gpu_others})"
    if health.gpu_throttled:
        return f"{health.gpu_throttled} holds the GPU's clock down"
    if health.busy_cores is None or health.others_busy_cores is None:
        return None
    if health.others_busy_cores > OTHERS_SHARE * health.cores and health.busy_cores > FULL_SHARE * health.cores:
        return f"other processes kept {health.others_busy_cores:.1f} of the machine's {health.cores} cores busy"
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

    def health(self) -> HostHealth:
        """Return the health since the beginning."""
        elapsed = max(1e-6, time.perf_counter() - self._began)
        own, busy = (self._own_seconds() - self._own) / elapsed, _busy_seconds()
        all_busy = None if busy is None or self._all is None else (busy - self._all) / elapsed
        joules = nvml.energy(self._device)
        return HostHealth(
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
