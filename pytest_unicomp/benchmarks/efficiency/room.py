"""Checks that a round fits into memory before it runs, because a system that runs out of memory kills the whole process."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.engine.host import memory

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

GIGABYTE = 1e9
SIZES = {"B": 1, "bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
# Torch's messages of a GPU and of a CPU.
ASKED = re.compile(r"tried to allocate ([\d.]+) (KiB|MiB|GiB|TiB|bytes)", re.IGNORECASE)


def needed(engine: Engine, *, batch: int, prompt: int, written: int) -> int:
    """Return a lower bound on the bytes of a round without the weights: KV cache, activations of one layer for all prompt tokens, logits of the last token."""
    from pytest_unicomp.engine.memory_estimate import bytes_per_token

    config = engine.model.config.get_text_config()
    width = engine.model.dtype.itemsize
    cache = bytes_per_token(engine.model).kv_cache * batch * (prompt + written)
    inner = int(getattr(config, "intermediate_size", 0) or getattr(config, "ffn_dim", 0) or config.hidden_size)
    # The residual stream, and both factors of a gated layer, or the output of a layer without a gate.
    read = width * batch * prompt * (int(config.hidden_size) + 2 * inner)
    return int(cache + read + 4 * batch * int(config.vocab_size))


def require(engine: Engine, *, batch: int, prompt: int, written: int) -> None:
    """Raise InfrastructureError if a round of `batch` sequences needs more than is free on its device; nothing is allocated."""
    free, least = memory.available_bytes(engine.device), needed(engine, batch=batch, prompt=prompt, written=written)
    if free is not None and least > free:
        raise InfrastructureError(
            f"unicomp: {batch} sequences of {prompt} tokens read and {written} written need at least {_shown(least)} beside the weights; "
            f"{_shown(free)} are free on {engine.device}, {_shown(least - free)} are missing; nothing was timed."
        )


def guarded(round_: Callable[[], None], device: str) -> Callable[[], None]:
    """Return the round with torch's "out of memory" turned into an InfrastructureError that states how much was missing."""

    def fitting() -> None:
        try:
            round_()
        except RuntimeError as error:
            asked = ASKED.search(str(error))
            if asked is None:
                raise
            wanted, free = round(float(asked[1]) * SIZES[asked[2]]), memory.available_bytes(device)
            missing = "" if free is None or free > wanted else f"; {_shown(free)} are free on {device}, {_shown(wanted - free)} are missing"
            raise InfrastructureError(f"unicomp: the round does not fit: it asked for {_shown(wanted)} more{missing}.") from error

    return fitting


def _shown(size: float) -> str:
    return f"{size / GIGABYTE:.2f} GB"
