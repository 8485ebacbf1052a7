"""Memory that large forward passes free is returned to the system; small passes are not slowed by it."""

import ctypes
import subprocess
import sys

import pytest

from pytest_unicomp.engine import malloc_trim
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from tests.engine.toy_models import model

HOLES = """
from pathlib import Path
from pytest_unicomp.engine.malloc_trim import trim

def held():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))

# Small enough for the C library to keep, and every second one stays, so that it can let go of nothing by itself.
kept = [bytes([number % 255 + 1]) * 2**16 for number in range(4096)]
del kept[::2]
before = held()
trim()
print((before - held()) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc")
def test_freed_memory_between_used_blocks_is_returned():
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 64


def test_only_a_large_forward_pass_is_followed_by_a_trim(monkeypatch):
    calls = []
    monkeypatch.setattr(malloc_trim, "trim", lambda: calls.append("trim"))
    one = model("llama")
    much = malloc_trim.MIN_ACTIVATION_BYTES // bytes_per_token(one).activations + 1
    malloc_trim.trim_after(one, much // 2)
    assert not calls
    malloc_trim.trim_after(one, much)
    assert calls == ["trim"]


def test_a_program_without_dynamic_libraries_is_no_error(monkeypatch):
    def refuse(_):
        raise OSError("Dynamic loading not supported")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    malloc_trim._malloc_trim.cache_clear()
    try:
        assert malloc_trim._malloc_trim() is None
        malloc_trim.trim()
    finally:
        malloc_trim._malloc_trim.cache_clear()
