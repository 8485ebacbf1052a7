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
