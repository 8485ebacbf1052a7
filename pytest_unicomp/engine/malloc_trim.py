"""Returns freed memory to the operating system: glibc keeps it if small blocks that are still in use, such as KV caches, lie between freed ones."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.memory_estimate import bytes_per_token

# A forward pass with fewer bytes of activations leaves too little freed memory to be worth the time of a trim.
MIN_ACTIVATION_BYTES = 2**27


def trim() -> None:
    """Return freed memory of this process to the system (malloc_trim(3)); do nothing if the C library has no such function."""
    malloc_trim = _malloc_trim()
    if malloc_trim is not None:
        malloc_trim(0)


@cache
def _malloc_trim() -> Any:
    """Return the C function, or None."""
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    except OSError:  # a program without dynamic libraries
        return None


def trim_after(model: Any, tokens: int) -> None:
    """Trim after a forward pass over `tokens` tokens, if the model is on the CPU and its activations reached MIN_ACTIVATION_BYTES."""
    if host.device_type(str(model.device)) == "cpu" and tokens * bytes_per_token(model).activations >= MIN_ACTIVATION_BYTES:
        trim()
