"""Counters of the NVIDIA driver (NVML): energy, clocks, throttling, and the processes on a GPU; every value is None if there is no such driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _handle(device: str) -> Iterator[tuple[Any, Any]]:
    """Yield NVML and its handle of a torch device ("cuda:1"), or (None, None) if there is no GPU or the driver does not answer."""
    if not device.startswith("cuda"):
        yield None, None
        return
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        # By UUID, not by number: CUDA_VISIBLE_DEVICES renumbers the devices of torch, but not those of NVML.
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        handle = _by_uuid(pynvml, uuid)
    except Exception:  # noqa: BLE001 - without library, driver or GPU, whatever they raise, there are no counters
        yield None, None
        return
    try:
        yield pynvml, handle
    finally:
        pynvml.nvmlShutdown()


def _by_uuid(nvml: Any, uuid: str) -> Any:
    """Return NVML's handle of a UUID of torch, which leaves out "GPU-", or "MIG-" of a partition of a GPU."""
    if uuid.startswith(("GPU-", "MIG-")):
        return nvml.nvmlDeviceGetHandleByUUID(uuid)
    try:
        return nvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    except nvml.NVMLError:
        return nvml.nvmlDeviceGetHandleByUUID(f"MIG-{uuid}")


def _query(function: Any, *arguments: Any) -> Any:
    """Call an NVML function; return its result, or None if this GPU lacks the counter."""
    import pynvml

    try:
        return function(*arguments)
    except pynvml.NVMLError:
        return None


def energy_joules(device: str) -> float | None:
    """Return the energy in joules that a GPU has used since its driver was loaded; None for a CPU, or a GPU without the counter."""
    with _handle(device) as (nvml, handle):
        millijoules = None if handle is None else _query(nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
    return None if millijoules is None else float(millijoules) / 1000


def sm_clocks(device: str) -> tuple[int, int] | None:
    """Return the current and the highest clock of the streaming multiprocessors in MHz; None if unknown."""
    with _handle(device) as (nvml, handle):
        if handle is None:
            return None
        now = _query(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM)
        highest = _query(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM)
    return None if now is None or highest is None else (int(now), int(highest))


def throttle_reason(device: str) -> str | None:
    """Return why the driver throttles the clocks ("heat", "the power brake"), or None if it does not, or if unknown."""
    with _handle(device) as (nvml, handle):
        reasons = None if handle is None else _query(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
        if not reasons:
            return None
        known = {
            nvml.nvmlClocksEventReasonSwThermalSlowdown: "heat",
            nvml.nvmlClocksThrottleReasonHwThermalSlowdown: "heat",
            nvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown: "the power brake",
        }
    found = dict.fromkeys(word for bit, word in known.items() if reasons & bit)
    return " and ".join(found) or None


def heat_seconds(device: str) -> float | None:
    """Return for how many seconds heat has held the clocks down since the driver was loaded; None for a CPU, or a GPU without the counter.

    The driver counts `violationTime` in nanoseconds: https://docs.nvidia.com/deploy/nvml-api/structnvmlViolationTime__t.html
    """
    with _handle(device) as (nvml, handle):
        found = None if handle is None else _query(nvml.nvmlDeviceGetViolationStatus, handle, nvml.NVML_PERF_POLICY_THERMAL)
    return None if found is None else float(found.violationTime) / 1e9


def other_processes(device: str) -> int | None:
    """Return how many processes except this one compute on the device; None if unknown.

    Only their number is used: in a container, the process ids that the driver lists are those of the host. Unknown too if it lists nobody, not even
    this process: then the container may not see the host's processes.
    """
    with _handle(device) as (nvml, handle):
        listed = None if handle is None else _query(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
    return len(listed) - 1 if listed else None
