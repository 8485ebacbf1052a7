"""Memory of this process and of a device, in bytes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_unicomp.engine.host import memory

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="read from /proc")
MEBIBYTE = 2**20


def test_resident_memory_grows_with_what_is_allocated():
    before = memory.resident_bytes()
    block = bytearray(64 * MEBIBYTE)
    assert memory.resident_bytes() - before > 48 * MEBIBYTE
    assert len(block) == 64 * MEBIBYTE


def test_the_peak_of_a_block_counts_memory_that_was_freed_within_it():
    with memory.peak_memory("cpu") as small:
        pass
    with memory.peak_memory("cpu") as large:
        block = bytearray(64 * MEBIBYTE)
        del block
    if large.bytes is None:
        pytest.skip("this system cannot reset the peak")
    assert large.bytes - small.bytes > 32 * MEBIBYTE


def test_the_peak_is_set_after_an_exception_too():
    def fail(found):
        with memory.peak_memory("cpu") as peak:
            found.append(peak)
            raise KeyError

    found = []
    with pytest.raises(KeyError):
        fail(found)
    assert found[0].bytes is None or found[0].bytes > MEBIBYTE


FILES = {"/proc/meminfo": "MemTotal: 2000 kB\nMemAvailable: 1000 kB\n"}


@pytest.mark.parametrize(
    ("files", "available"),
    [
        (FILES, 1000 * 1024),
        ({**FILES, "/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/memory.current": "5\n"}, 1000 * 1024),
        ({**FILES, "/sys/fs/cgroup/memory.max": "4096\n", "/sys/fs/cgroup/memory.current": "1096\n"}, 3000),
        ({**FILES, "/sys/fs/cgroup/memory.max": "4096\n", "/sys/fs/cgroup/memory.current": "5000\n"}, 0),
        ({"/proc/meminfo": "MemTotal: 2000 kB\n"}, None),
        ({}, None),
    ],
)
def test_available_memory_is_that_of_machine_or_control_group(monkeypatch, files, available):
    def read_text(path, **_):
        if str(path) not in files:
            raise FileNotFoundError(path)
        return files[str(path)]

    monkeypatch.setattr(Path, "read_text", read_text)
    assert memory.available_bytes("cpu") == available


class ToyGpus:
    """Counters of GPUs, by device: what is allocated now, and the peak since the last reset."""

    def __init__(self, monkeypatch, allocated):
        import torch

        self.allocated, self.peaks = dict(allocated), dict(allocated)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(self.allocated))
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: self.allocated[device])
        monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: self.peaks[device])
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: self.peaks.update({device: self.allocated[device]}))

    def allocate(self, device, count):
        self.allocated[device] += count
        self.peaks[device] = max(self.peaks[device], self.allocated[device])


def test_the_growth_of_a_gpus_peak_leaves_out_what_was_there_before(monkeypatch):
    gpus = ToyGpus(monkeypatch, {"cuda:0": 700, "cuda:1": 0})
    with memory.peak_memory("cuda:0") as peak:
        gpus.allocate("cuda:0", 50)
        gpus.allocate("cuda:0", -50)
    assert (peak.bytes, peak.growth) == (750, 50)


def test_a_peak_of_a_gpu_on_which_nothing_was_done_is_unknown_and_not_zero(monkeypatch):
    gpus = ToyGpus(monkeypatch, {"cuda:0": 0, "cuda:1": 0})
    with memory.peak_memory("cuda:1") as peak:
        gpus.allocate("cuda:0", 50)
    assert peak.growth is None


def test_the_peak_of_a_sharded_model_is_the_sum_over_all_gpus(monkeypatch):
    gpus = ToyGpus(monkeypatch, {"cuda:0": 0, "cuda:1": 10})
    with memory.peak_memory("sharded") as peak:
        gpus.allocate("cuda:0", 30)
        gpus.allocate("cuda:1", 40)
    assert (peak.bytes, peak.growth) == (80, 70)
