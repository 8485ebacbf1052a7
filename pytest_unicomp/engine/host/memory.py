"""Measures the peak memory of a piece of work, in bytes, on the device that does it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class Peak:
    """Filled when the block ends: bytes at the highest point, or None where this system has no counter."""

    bytes: int | None = None


def resident() -> int | None:
    """Return the resident memory of this process now, in bytes (VmRSS), or None where the system does not say."""
    return _status("VmRSS:")


def free(device: str) -> int | None:
    """Return the bytes that may still be had on a device ("cpu", "cuda:N"); None where the system does not say.

    On a GPU what torch keeps for itself counts as free; on a host the limit of the control group counts, where it is below what the machine has.
    """
    if device.startswith("cuda"):
        import torch

        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + unused)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        most, used = ((group / f"memory.{name}").read_text(encoding="ascii").strip() for name in ("max", "current"))
        return found if most == "max" else min(found, max(0, int(most) - int(used)))
    except (OSError, ValueError):
        return found


def _host_peak() -> int | None:
    """Read the process's resident high-water mark (VmHWM)."""
    return _status("VmHWM:")


def _status(field: str) -> int | None:
    """Read a field of /proc/self/status, in KiB there, as bytes."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def _reset_host_peak() -> bool:
    """Reset the high-water mark (Linux: writing 5 to clear_refs); False where that is not allowed."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


@contextmanager
def peak_memory(device: str) -> Iterator[Peak]:
    """Yield a Peak for the block: device memory on CUDA, resident memory of this process elsewhere."""
    peak = Peak()
    torch: Any = sys.modules.get("torch")
    cuda = device.startswith("cuda") and torch is not None and torch.cuda.is_available()
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    resettable = not cuda and _reset_host_peak()
    try:
        yield peak
    finally:
        if cuda:
            peak.bytes = int(torch.cuda.max_memory_allocated(device))
        elif resettable:
            peak.bytes = _host_peak()
