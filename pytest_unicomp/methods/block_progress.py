"""Reports which decoder block calibration text runs through, while a library that is silent about it works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.protocols import Progress
from pytest_unicomp.methods.decoder import block_list

if TYPE_CHECKING:
    import torch


@contextmanager
def blocks_reported(model: torch.nn.Module, what: str, progress: Progress) -> Iterator[None]:
    """Within the block, report every decoder block that texts reach for the first time: "gptq: block 3 of 30".

    Nothing of what the model computes changes.
    """
    blocks = block_list(model)[1]
    reached: set[int] = set()

    def report(place: int) -> Any:
        def hook(module: torch.nn.Module, inputs: Any) -> None:
            if place not in reached:
                reached.add(place)
                progress(f"{what}: block {place + 1} of {len(blocks)}")

        return hook

    handles = [block.register_forward_pre_hook(report(place)) for place, block in enumerate(blocks)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
