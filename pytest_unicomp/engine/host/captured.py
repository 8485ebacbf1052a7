"""Captures work for a GPU in a CUDA graph, so that its time is that of the kernels and not that of launching them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_unicomp.api.errors import one_line

WARM_UP = 3


def captured(device: str, work: Callable[[], object]) -> tuple[Callable[[], object], str | None]:
    """Return a function that replays `work` from a CUDA graph, and None; on a CPU, or where it cannot be captured, `work` itself and the reason.

    Its tensors must be the same in every call. Source: https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """
    if not device.startswith("cuda"):
        return work, None
    import torch

    cuda: Any = torch.cuda
    try:
        with torch.inference_mode(), cuda.device(device):
            side = cuda.Stream()
            side.wait_stream(cuda.current_stream())
            with cuda.stream(side):
                for _ in range(WARM_UP):
                    work()
            cuda.current_stream().wait_stream(side)
            graph = cuda.CUDAGraph()
            with cuda.graph(graph):
                work()
    except RuntimeError as error:
        # A kernel that allocates outside of torch, or waits for the device, cannot be captured; its launches are timed with it.
        return work, f"{type(error).__name__}: {one_line(error)}"
    return graph.replay, None
