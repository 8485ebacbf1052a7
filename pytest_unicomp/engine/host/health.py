"""Monitors the host and the GPU during timed rounds, and says why timings are unreliable: load by other processes, or throttled clocks."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.engine.host import nvml

# Heat that held the clock down for a smaller share of the time changes no median.
MAX_SHARE_OF_HEAT = 0.05
# Timings are unreliable if other processes keep more than this share of the cores busy, and all processes together more than that share.
MAX_SHARE_OF_OTHERS, MAX_SHARE_BUSY = 0.25, 0.85


def timing_problem(health: HostHealth) -> str | None:
    """Return the reason why timings are unreliable, as a phrase, or None if no problem was detected."""
    if health.gpu_others:
        return f"other processes use the GPU ({health.gpu_others})"
    if health.gpu_throttled:
        return f"the GPU's clock is throttled by {health.gpu_throttled}"
    if health.busy_cores is None or health.others_busy_cores is None:
        return None
    if health.others_busy_cores > MAX_SHARE_OF_OTHERS * health.cores and health.busy_cores > MAX_SHARE_BUSY * health.cores:
        return f"other processes kept {health.others_busy_cores:.1f} of the machine's {health.cores} cores busy"
    return None


class HostMonitor:
    """Reads the counters of host and device when it is created, and again in `health`, which returns the differences.

    `sessions` are process groups (by their leaders) that belong to us, such as a server that we started; their load does not count as that of
    other processes.
    """

    def __init__(self, device: str = "cpu", sessions: Sequence[int] = ()) -> None:
        """Read the counters for the first time."""
        self._device, self._sessions = device, tuple(sessions)
        self._joules, self._heat = nvml.energy_joules(device), nvml.heat_seconds(device)
        self._started, self._own, self._all = time.perf_counter(), self._own_seconds(), _busy_seconds()

    def health(self) -> HostHealth:
        """Return the load, clocks and energy since the monitor was created; values that cannot be read are None."""
        elapsed = max(1e-6, time.perf_counter() - self._started)
        own, busy = (self._own_seconds() - self._own) / elapsed, _busy_seconds()
        all_busy = None if busy is None or self._all is None else (busy - self._all) / elapsed
        joules = nvml.energy_joules(self._device)
        return HostHealth(
            cores=os.cpu_count() or 1,
            busy_cores=all_busy,
            others_busy_cores=None if all_busy is None else max(0.0, all_busy - own),
            load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            megahertz=_megahertz(),
            gpu_others=nvml.other_processes(self._device),
            gpu_megahertz=nvml.sm_clocks(self._device),
            gpu_throttled=self._heat_since(elapsed) or nvml.throttle_reason(self._device),
            joules=None if joules is None or self._joules is None else joules - self._joules,
        )

    def _heat_since(self, elapsed: float) -> str | None:
        """Return "heat" if it held the clocks down meanwhile; at the end, when the GPU is idle, they may be up again."""
        now = nvml.heat_seconds(self._device)
        if now is None or self._heat is None:
            return None
        return "heat" if now - self._heat > MAX_SHARE_OF_HEAT * elapsed else None

    def _own_seconds(self) -> float:
        used = os.times()
        return used.user + used.system + (_session_seconds(self._sessions) if self._sessions else 0.0)


def _session_seconds(sessions: Sequence[int]) -> float:
    """Return the CPU seconds of all running processes of these sessions (Linux; 0 on other systems)."""
    total = 0.0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The process name is in parentheses and may contain blanks; fields 3 and later follow it (proc_pid_stat(5)).
            fields = file.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in sessions:
            total += (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))
    return total


def _busy_seconds() -> float | None:
    """Return the busy seconds of all cores since boot (Linux: first line of /proc/stat without idle and iowait); None on other systems."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _, _, hardware, software, stolen = (int(value) for value in first)
    return (user + nice + system + hardware + software + stolen) / float(os.sysconf("SC_CLK_TCK"))


def _megahertz() -> float | None:
    """Return the mean clock of the cores in MHz (Linux on x86), or None."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    clocks = [float(line.split(":")[1]) for line in lines if line.startswith("cpu MHz")]
    return sum(clocks) / len(clocks) if clocks else None
