"""Preserves the zeros of a pruned model during quantization with error correction, which would fill them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_unicomp.methods.decoder import linear_layers

if TYPE_CHECKING:
    from transformers import PreTrainedModel

PRUNED = 0.05


@contextmanager
def zeros_kept(model: PreTrainedModel) -> Iterator[None]:
    """On exit, restore the zeros of every Linear layer that had at least a share PRUNED of zeros on entry.

    Symmetric integers hold zero exactly. llm-compressor's GPTQ moves the error of each column into the columns after it, pruned ones too, so
    a 2:4 model would come out dense; the small corrections that land on pruned weights are given up here.
    """
    masks = {name: layer.weight == 0 for name, layer in linear_layers(model).items() if float((layer.weight == 0).float().mean()) >= PRUNED}
    yield
    for name, layer in linear_layers(model).items():
        if name in masks:
            layer.weight.data[masks[name].to(layer.weight.device)] = 0
