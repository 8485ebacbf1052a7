"""Counters of the NVIDIA driver: None without a GPU or driver, and in documented units with one."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from pytest_unicomp.engine.host import nvml


class NVMLError(Exception):
    """As pynvml's."""


def driver(**functions):
    """A driver whose functions are given by name; all others are missing counters."""

    def missing(*_):
        raise NVMLError

    names = [
        "TotalEnergyConsumption",
        "ClockInfo",
        "MaxClockInfo",
        "CurrentClocksEventReasons",
        "ComputeRunningProcesses",
        "ViolationStatus",
    ]
    reasons = {
        "nvmlClocksEventReasonSwThermalSlowdown": 0x20,
        "nvmlClocksThrottleReasonHwThermalSlowdown": 0x40,
        "nvmlClocksThrottleReasonHwPowerBrakeSlowdown": 0x80,
    }
    return SimpleNamespace(
        NVMLError=NVMLError,
        NVML_CLOCK_SM=1,
        NVML_PERF_POLICY_THERMAL=1,
        **reasons,
        **{f"nvmlDeviceGet{name}": functions.get(name, missing) for name in names},
    )


@pytest.fixture
def install(monkeypatch):
    def put(**functions):
        made = driver(**functions)
        monkeypatch.setitem(sys.modules, "pynvml", made)

        @contextmanager
        def handle(_):
            yield made, "handle"

        monkeypatch.setattr(nvml, "_handle", handle)

    return put


def test_a_cpu_has_no_counters_of_a_gpu():
    for counter in (nvml.energy_joules, nvml.sm_clocks, nvml.other_processes, nvml.throttle_reason, nvml.heat_seconds):
        assert counter("cpu") is None


def test_a_gpu_without_a_driver_has_no_counters(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    for counter in (nvml.energy_joules, nvml.sm_clocks, nvml.other_processes, nvml.throttle_reason, nvml.heat_seconds):
        assert counter("cuda:0") is None


def test_a_gpu_without_a_counter_gives_none(install):
    install()
    for counter in (nvml.energy_joules, nvml.sm_clocks, nvml.other_processes, nvml.throttle_reason, nvml.heat_seconds):
        assert counter("cuda:0") is None


def test_counters_are_joules_megahertz_and_processes(install):
    install(
        TotalEnergyConsumption=lambda _: 2500,
        ClockInfo=lambda *_: 1410,
        MaxClockInfo=lambda *_: 1980,
        ComputeRunningProcesses=lambda _: ["this", "other", "another"],
    )
    assert nvml.energy_joules("cuda:0") == 2.5
    assert nvml.sm_clocks("cuda:0") == (1410, 1980)
    assert nvml.other_processes("cuda:0") == 2


def test_heat_is_counted_in_seconds(install):
    asked = []
    install(ViolationStatus=lambda *given: asked.append(given) or SimpleNamespace(referenceTime=5, violationTime=2_500_000_000))
    assert nvml.heat_seconds("cuda:0") == 2.5
    assert asked == [("handle", 1)], "of the thermal policy"


def test_nobody_listed_not_even_this_process_means_unknown(install):
    """In a container without the host's process ids NVML lists nobody."""
    install(ComputeRunningProcesses=lambda _: [])
    assert nvml.other_processes("cuda:0") is None


@pytest.mark.parametrize("known", ["GPU-12", "MIG-12"])
@pytest.mark.parametrize("given", ["12", "known"])
def test_a_gpu_or_a_partition_of_one_is_found_by_its_uuid(known, given):
    def by_uuid(uuid):
        if uuid != known:
            raise NVMLError
        return "handle"

    made = SimpleNamespace(NVMLError=NVMLError, nvmlDeviceGetHandleByUUID=by_uuid)
    assert nvml._by_uuid(made, known if given == "known" else given) == "handle"


@pytest.mark.parametrize(
    ("bits", "reason"),
    [(0, None), (0x1, None), (0x20, "heat"), (0x60, "heat"), (0x80, "the power brake"), (0xA0, "heat and the power brake")],
)
def test_only_heat_and_the_power_brake_are_throttling(install, bits, reason):
    install(CurrentClocksEventReasons=lambda _: bits)
    assert nvml.throttle_reason("cuda:0") == reason
