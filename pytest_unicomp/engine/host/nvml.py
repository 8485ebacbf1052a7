"""What the driver of an NVIDIA GPU counts by itself: energy, clocks, the processes that use it; everything is None where there is no such driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def _handle(device: str) -> Iterator[tuple[Any, Any]]:
    """Yield NVML and its handle of a torch device ("cuda:1"), or (None, None) where there is no GPU or no driver that answers."""
    if not device.startswith("cuda"):
        yield None, None
        return
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        # By identity, not by number: CUDA_VISIBLE_DEVICES renumbers what torch sees, and NVML knows nothing of it.
        identity = str(torch.cuda.get_device_properties(device).uuid)
        found = pynvml.nvmlDeviceGetHandleByUUID(identity if identity.startswith("GPU-") else f"GPU-{identity}")
    except Exception:  # noqa: BLE001 - no library, no driver, no such GPU: then nothing is counted, whatever it is that they raise
        yield None, None
        return
    try:
        yield pynvml, found
    finally:
        pynvml.nvmlShutdown()


def _asked(question: Any, *arguments: Any) -> Any:
    """Return the driver's answer, None where this GPU has no such counter."""
    import pynvml

    try:
        return question(*arguments)
    except pynvml.NVMLError:
        return None


def energy(device: str) -> float | None:
    """Return the joules that the device has used since the driver was loaded, or None where nothing counts them (CPUs among them)."""
    with _handle(device) as (nvml, handle):
        counted = None if handle is None else _asked(nvml.nvmlDeviceGetTotalEnergyConsumption, handle)
    # Counted in millijoules.
    return None if counted is None else float(counted) / 1000


def clocks(device: str) -> tuple[int, int] | None:
    """Return the clock of the multiprocessors now and the highest one, in MHz; None where unknown."""
    with _handle(device) as (nvml, handle):
        if handle is None:
            return None
        now = _asked(nvml.nvmlDeviceGetClockInfo, handle, nvml.NVML_CLOCK_SM)
        most = _asked(nvml.nvmlDeviceGetMaxClockInfo, handle, nvml.NVML_CLOCK_SM)
    return None if now is None or most is None else (int(now), int(most))


def throttled(device: str) -> str | None:
    """Return why the driver holds the clocks down against the load's will (heat, power brake), or None where it does not or cannot say."""
    with _handle(device) as (nvml, handle):
        reasons = None if handle is None else _asked(nvml.nvmlDeviceGetCurrentClocksEventReasons, handle)
        if not reasons:
            return None
        known = {
            nvml.nvmlClocksEventReasonSwThermalSlowdown: "heat",
            nvml.nvmlClocksThrottleReasonHwThermalSlowdown: "heat",
            nvml.nvmlClocksThrottleReasonHwPowerBrakeSlowdown: "the power brake",
        }
    found = dict.fromkeys(word for bit, word in known.items() if reasons & bit)
    return " and ".join(found) or None


def others(device: str) -> int | None:
    """Return how many processes beside this one compute on the device; None where unknown.

    Counted, not named: in a container the driver lists numbers of processes that mean nothing inside it.
    """
    with _handle(device) as (nvml, handle):
        listed = None if handle is None else _asked(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
    return None if listed is None else max(0, len(listed) - 1)
