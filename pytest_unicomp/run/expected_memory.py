"""The memory that a run needs at least on its device: the weights of the model that is evaluated, and of the two that are timed side by side."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.engine.host import memory
from pytest_unicomp.run.expected_work import all_parameters
from pytest_unicomp.run.preflight import Prepared

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class ExpectedMemory:
    """Lower bounds in bytes: `evaluated` of one loaded model, `timed` of the pair that is timed (None: nothing is); batches, caches and libraries come on top.

    `weights` is the number of parameters, `dtype` theirs (None: that of the files, which the configuration does not name; 16 bits are assumed), and
    `free` the bytes that the device has (None: not known).
    """

    weights: float
    dtype: str | None
    evaluated: float
    timed: float | None
    free: int | None

    @property
    def fits(self) -> bool | None:
        """Return False if even the weights find no room, None if the free memory is not known."""
        return None if self.free is None else max(self.evaluated, self.timed or 0.0) <= self.free


def expected_memory(prepared: Prepared) -> ExpectedMemory | None:
    """Return the memory of a run on one device of this machine; None for a server, several devices, or a configuration without a decoder's sizes."""
    device, config = prepared.device, prepared.config
    count = None if config is None else all_parameters(config)
    if (
        config is None
        or count is None
        or device == "server"
        or prepared.settings.device == "sharded"
        or prepared.settings.executor == "ray"
    ):
        return None
    named, stored = prepared.settings.dtype, str(config.get("dtype") or config.get("torch_dtype"))
    evaluated = named if named in BYTES else "float32" if device == "cpu" else stored
    # Each side is timed as it is served: in the dtype of its checkpoint.
    timed = named if named in BYTES else stored
    return ExpectedMemory(
        weights=count,
        dtype=evaluated if evaluated in BYTES else None,
        evaluated=count * BYTES.get(evaluated, 2),
        timed=2 * count * BYTES.get(timed, 2) if prepared.plan.of_kind("latency") else None,
        free=memory.available_bytes(device),
    )
