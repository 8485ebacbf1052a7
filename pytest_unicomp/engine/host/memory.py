"""Memory in bytes: what this process uses, what a device has available, and the peak within a block."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass
class PeakMemory:
    """`bytes` is set when the block of `peak_memory` ends: the peak, or None if the system has no counter.

    `before` is what was allocated on the GPUs when the block began; 0 on the CPU.
    """

    bytes: int | None = None
    before: int = 0

    @property
    def growth(self) -> int | None:
        """Return the peak over `before`. None if unknown, or if nothing was allocated on the GPU: then the work ran on another device."""
        return None if self.bytes is None else (self.bytes - self.before) or None


def resident_bytes() -> int | None:
    """Return the resident memory of this process in bytes (VmRSS), or None if the system does not report it."""
    return _status("VmRSS:")


def available_bytes(device: str) -> int | None:
    """Return the bytes that can still be allocated on a device ("cpu", "cuda:N"); None if the system does not report them.

    On a GPU, unused memory in torch's caching allocator counts as available. On the host, the limit of the control group applies if it is lower than
    the available memory of the machine.
    """
    if device.startswith("cuda"):
        import torch

        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0] + unused)
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    group = Path("/sys/fs/cgroup")
    try:
        limit, used = ((group / f"memory.{name}").read_text(encoding="ascii").strip() for name in ("max", "current"))
        return available if limit == "max" else min(available, max(0, int(limit) - int(used)))
    except (OSError, ValueError):
        return available


def free_unused() -> None:
    """Collect garbage and return the unused memory of torch's caching allocator to the GPUs; does not import torch."""
    gc.collect()
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _host_peak() -> int | None:
    """Return the peak of the resident memory of this process (VmHWM)."""
    return _status("VmHWM:")


def _status(field: str) -> int | None:
    """Return a field of /proc/self/status, which is in KiB, in bytes; None if there is none."""
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def _reset_host_peak() -> bool:
    """Reset the peak (Linux: write 5 to clear_refs, proc_pid_clear_refs(5)); return False if that is not allowed."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


@contextmanager
def peak_memory(device: str) -> Iterator[PeakMemory]:
    """Measure the peak within the block: allocated device memory on CUDA, resident memory of this process on the CPU.

    With "sharded" the peaks of all visible GPUs are added: each holds other layers.
    """
    peak = PeakMemory()
    cuda = False
    if device.startswith(("cuda", "sharded")):
        # Imported here, not looked up: the first step of a run may be the one that loads torch.
        import torch

        cuda = torch.cuda.is_available()
    devices = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if cuda and device == "sharded" else [device]
    if cuda:
        for each in devices:
            torch.cuda.reset_peak_memory_stats(each)
        peak.before = sum(int(torch.cuda.memory_allocated(each)) for each in devices)
    resettable = not cuda and _reset_host_peak()
    try:
        yield peak
    finally:
        if cuda:
            peak.bytes = sum(int(torch.cuda.max_memory_allocated(each)) for each in devices)
        elif resettable:
            peak.bytes = _host_peak()
