"""The pace of this machine: how fast it multiplies, measured once, and how long benchmarks took on a model here; kept in the store."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pytest_unicomp.engine.host import host
from pytest_unicomp.store.local import Store, digest

# Side of the square matrices that are multiplied, and how often: the fastest time counts, since another process can only slow one down.
SIDE: Final = {"cpu": 1024, "cuda": 4096}
TIMES = 3


@dataclass(frozen=True)
class Timed:
    """The duration of a benchmark on one recipe of a model: seconds for so many items."""

    seconds: float
    items: int


class Pace:
    """Reads and keeps what is known of one model on one device of this machine. Not shared with other machines; a store that cannot be written loses it."""

    def __init__(self, store: Store, model: str, device: str) -> None:
        """Store the arguments; nothing is measured yet."""
        self._store, self._model, self._device = store, model, device

    def multiplications(self) -> float:
        """Return the floating point operations per second of a large product, from the store or measured in a fraction of a second.

        It is kept if the store exists already.
        """
        key = digest({"machine": host.device_name(self._device), "cores": host.cores(), "side": SIDE})
        kept = Store.read(self._store, "rates", key)
        if kept is None:
            kept = {"flops_per_second": _measured(host.device_type(self._device))}
            # Whoever only asks what would be run, by --collect-only or a plan, makes nothing: not even an empty store.
            if self._store.root.exists():
                with suppress(OSError):
                    Store.write(self._store, "rates", key, kept)
        return float(kept["flops_per_second"])

    def timed(self) -> Mapping[str, Timed]:
        """Return how long each benchmark took when it was last measured."""
        kept = Store.read(self._store, "paces", self._key) or {}
        return {name: Timed(float(found["seconds"]), int(found["items"])) for name, found in kept.items()}

    def note(self, benchmark: str, seconds: float, items: int) -> None:
        """Keep how long a benchmark took, unless it scored nothing."""
        if items < 1 or seconds <= 0:
            return
        with suppress(OSError), Store.lock(self._store, "paces", self._key):
            kept = Store.read(self._store, "paces", self._key) or {}
            Store.write(self._store, "paces", self._key, {**kept, benchmark: {"seconds": seconds, "items": items}})

    @property
    def _key(self) -> str:
        return digest({"model": self._model, "machine": host.device_name(self._device)})


def _measured(kind: str) -> float:
    """Return the floating point operations per second of the fastest of TIMES products; of a CPU as if no other process used it.

    A CPU's are divided by the time that this process computed, so that a busy machine is not taken for a slow one.
    """
    side = SIDE.get(kind, SIDE["cpu"])
    if kind == "cuda":
        import torch

        half = torch.ones(side, side, dtype=torch.bfloat16, device="cuda")

        def multiply() -> None:
            half @ half
            torch.cuda.synchronize()
    else:
        import numpy as np

        single = np.ones((side, side), dtype=np.float32)

        def multiply() -> None:
            single @ single

    clock, share = (time.perf_counter, 1) if kind == "cuda" else (time.process_time, host.cores())
    multiply()
    taken = []
    for _ in range(TIMES):
        began = clock()
        multiply()
        taken.append((clock() - began) / share)
    return 2 * side**3 / max(min(taken), 1e-9)
