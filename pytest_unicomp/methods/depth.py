"""Cut a contiguous block of decoder layers out of a model, and measure how much each possible cut costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.decoder import block_list

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@contextmanager
def without_layers(model: PreTrainedModel, start: int, count: int) -> Iterator[None]:
    """Run the block with layers `start` to `start + count - 1` left out of `model` and its configuration; afterwards both are whole again.

    Layers and the per-layer lists of the configuration (such as `layer_types`) are cut alike, so that what is saved inside is consistent.
    """
    import torch

    name, layers = block_list(model)
    parent, attribute = model.get_submodule(name.rpartition(".")[0]), name.rpartition(".")[2]
    config: Any = model.config.get_text_config(decoder=True)
    kept = [position for position in range(len(layers)) if not start <= position < start + count]
    per_layer = {
        key: value
        for key, value in vars(config).items()
        if isinstance(value, list) and len(value) == len(layers) and not key.startswith("_")
    }
    setattr(parent, attribute, torch.nn.ModuleList([layers[position] for position in kept]))
    config.num_hidden_layers = len(kept)
    for key, value in per_layer.items():
        setattr(config, key, [value[position] for position in kept])
    try:
        yield
    finally:
        setattr(parent, attribute, layers)
        config.num_hidden_layers = len(layers)
        for key, value in per_layer.items():
            setattr(config, key, value)


def loss(model: PreTrainedModel, documents: Sequence[torch.Tensor]) -> float:
    """Return the mean next-token loss in nats per predicted token over documents (each 1 x length of token ids)."""
    import torch

    total, count = 0.0, 0
    with torch.inference_mode():
        for ids in documents:
            ids = ids.to(model.device)
            logits = model(input_ids=ids, use_cache=False).logits[0, :-1].float()
            total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="sum"))
            count += ids.shape[1] - 1
    return total / count


def losses_without(model: PreTrainedModel, count: int, documents: Sequence[torch.Tensor]) -> list[float]:
    """Return the loss of the model cut by `count` layers for every first layer of the cut, from the first to the last possible one.

    Minitron chooses the cut of best WinoGrande accuracy (arXiv 2408.11796, 3.2); loss on calibration text needs no benchmark and no
    language, and orders cuts finer than accuracy does.
    """
    found = []
    for start in range(len(block_list(model)[1]) - count + 1):
        with without_layers(model, start, count):
            found.append(loss(model, documents))
    return found
