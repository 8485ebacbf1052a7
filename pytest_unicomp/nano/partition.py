"""Where chance comes from: `stream(key)` is a random generator by name, `held_out(key)` says what training never sees."""

from __future__ import annotations

import zlib
from random import Random

from pytest_unicomp.nano.settings import WORLD


def stream(key: str) -> Random:
    """A generator that gives the same numbers for the same key on every platform and Python version."""
    return Random(f"{WORLD.seed}/{key}")


def held_out(key: str, share: float = WORLD.held_out_share) -> bool:
    """True for a fixed `share` of all keys: those belong to the evaluation, all others to training."""
    return zlib.crc32(f"{WORLD.seed}/{key}".encode()) % 1000 < round(share * 1000)
