"""Gives memory that has been let go of back to the system: glibc keeps it where keys and values of a few megabytes lie between activations."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.memory_estimate import bytes_per_token

# Activations of so many bytes leave holes that matter beside a model; a smaller pass is over sooner than they are given back.
WORTH_BYTES = 2**27


def trim() -> None:
    """Give back what the process no longer needs (malloc_trim(3)); nothing where the C library has no such call."""
    give_back = _malloc_trim()
    if give_back is not None:
        give_back(0)


@cache
def _malloc_trim() -> Any:
    """Return the call, or None."""
    try:
        return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    except OSError:  # a program without dynamic libraries
        return None


def trim_after(model: Any, tokens: int) -> None:
    """Give back what a pass of so many tokens has left in the host's memory, where the model computes there and it is worth the time."""
    if host.kind(str(model.device)) == "cpu" and tokens * bytes_per_token(model).activations >= WORTH_BYTES:
        trim()
