"""Cut a contiguous block of decoder layers out of a model, and measure how much each possible cut costs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.methods.decoder import block_list
from pytest_unicomp.methods.distillation_loss import chunks
from pytest_unicomp.methods.distillation_text import Row
from pytest_unicomp.methods.source import load_model
from pytest_unicomp.methods.teaching import batches, logits

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Quality:
    """Of a model on text: mean next-token loss in nats, and share of learned tokens that it names right (0 to 1)."""

    loss: float
    accuracy: float


@contextmanager
def without_layers(model: PreTrainedModel, start: int, count: int) -> Iterator[None]:
    """Run the block with layers `start` to `start + count - 1` left out of `model` and its configuration; afterwards both are whole again.

    Per-layer lists of the configuration (such as `layer_types`) are cut with the layers, so that a model saved inside the block is consistent.
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


def quality(model: PreTrainedModel, rows: Sequence[Row]) -> Quality:
    """Return the model's cross-entropy (nats per token) and next-token accuracy (0 to 1) over the learned tokens of `rows`."""
    import torch

    total, right, count = 0.0, 0, 0
    with torch.inference_mode():
        for inputs in batches(rows, model.device):
            found = logits(model, inputs)[:, :-1][inputs["learned"][:, :-1]]
            targets = inputs["input_ids"][:, 1:][inputs["learned"][:, :-1]]
            for part in chunks(len(targets), found.shape[-1]):
                total += float(torch.nn.functional.cross_entropy(found[part].float(), targets[part], reduction="sum"))
                right += int((found[part].argmax(-1) == targets[part]).sum())
            count += len(targets)
    return Quality(total / max(1, count), right / max(1, count))


def qualities_without(model: PreTrainedModel, count: int, rows: Sequence[Row]) -> list[Quality]:
    """Return the quality of the model cut by `count` layers for every first layer of the cut, from the first to the last possible one.

    Minitron looks at the loss and decides by WinoGrande accuracy (arXiv 2408.11796, section 3.2); calibration text needs no benchmark and
    no language.
    """
    found = []
    for start in range(len(block_list(model)[1]) - count + 1):
        with without_layers(model, start, count):
            found.append(quality(model, rows))
    return found


def cut_copy(model: PreTrainedModel, start: int, count: int, folder: Path) -> PreTrainedModel:
    """Return a float32 copy of `model` without layers `start` to `start + count - 1`, by way of a temporary folder in `folder`.

    Saving the cut model and loading it renumbers the layers in all modules, whatever the architecture uses the number for.
    """
    with tempfile.TemporaryDirectory(dir=folder) as made:
        with without_layers(model, start, count):
            model.save_pretrained(made)
        return load_model(Path(made), dtype="float32")
