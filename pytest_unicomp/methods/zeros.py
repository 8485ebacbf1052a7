"""Preserves the zeros of a pruned model during quantization with error correction, which would fill them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_unicomp.methods.decoder import linear_layers

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

PRUNED = 0.05


@contextmanager
def zeros_kept(model: PreTrainedModel) -> Iterator[None]:
    """On exit, restore the zeros of every Linear layer that had at least a share PRUNED of zeros on entry.

    Symmetric integers hold zero exactly. llm-compressor's GPTQ moves the error of each column into the columns after it, pruned ones too, so
    a 2:4 model would come out dense; the small corrections that land on pruned weights are given up here.
    """
    masks = {name: mask for name, layer in linear_layers(model).items() if (mask := _pruned(layer.weight)) is not None}
    yield
    from compressed_tensors.offload import update_offload_parameter

    for name, layer in linear_layers(model).items():
        if name in masks:
            # On a GPU llm-compressor leaves the layer offloaded: its weight is then a copy made on access, and only this call reaches the original.
            weight = layer.weight.data.clone()
            weight[masks[name].to(weight.device)] = 0
            update_offload_parameter(layer, "weight", weight)


def _pruned(weight: torch.Tensor) -> torch.Tensor | None:
    """Return the places of the zeros, on the host; None if fewer than the share PRUNED are zero."""
    zeros = weight == 0
    return zeros.cpu() if float(zeros.float().mean()) >= PRUNED else None
