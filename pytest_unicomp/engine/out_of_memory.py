"""Recognizes a failed allocation of torch, after which less work at once may fit."""

from __future__ import annotations


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return True if torch could not allocate memory, on a GPU or on the CPU."""
    import torch

    # torch has no exception type for a failed allocation on the CPU.
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
