"""The shapes of a model's linear layers, from its config.json alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LayerShape:
    """`layers` linear layers of the decoder have weights of shape (outputs, inputs); `names` are their module names without the path."""

    outputs: int
    inputs: int
    layers: int
    names: tuple[str, ...]


def meta_model(folder: Path) -> Any:
    """Return the model of a checkpoint folder on torch's device "meta": unquantized modules with shapes, but without weights."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from pytest_unicomp.engine.quiet_libraries import quiet

    with quiet():
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if hasattr(config, "quantization_config"):
            del config.quantization_config
        with torch.device("meta"):
            return AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()


def layer_shapes(folder: Path) -> list[LayerShape]:
    """Return the distinct shapes of the decoder's linear layers, the largest first, without the lm_head, which no recipe compresses."""
    import torch

    model = meta_model(folder)
    head = model.get_output_embeddings()
    found: dict[tuple[int, int], list[str]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and module is not head:
            found.setdefault((module.out_features, module.in_features), []).append(name.rpartition(".")[2])
    ordered = sorted(found.items(), key=lambda pair: (-pair[0][0] * pair[0][1], pair[0]))
    return [LayerShape(*shape, len(names), tuple(dict.fromkeys(names))) for shape, names in ordered]
