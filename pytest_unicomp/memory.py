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
