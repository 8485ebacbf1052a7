"""Find the decoder blocks of a causal language model and the linear layers inside them: what pruning and quantization may touch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_unicomp.api.errors import UnicompError

if TYPE_CHECKING:
    import torch

# Linear layers that choose experts: small routing layers that all published recipes leave uncompressed.
ROUTERS = ("gate", "router", "shared_expert_gate")


def block_list(model: torch.nn.Module) -> tuple[str, torch.nn.ModuleList]:
    """Return the dotted name and the list of the decoder blocks: the outermost ModuleList as long as the configuration's layer count.

    Raises UnicompError if there is none (an architecture whose blocks are not one plain list).
    """
    import torch

    count = model.config.get_text_config(decoder=True).num_hidden_layers  # type: ignore[union-attr,operator]
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return name, module
    raise UnicompError(f"unicomp: {type(model).__name__} has no list of {count} decoder blocks; it cannot be compressed here.")


def linear_layers(model: torch.nn.Module) -> dict[str, torch.nn.Linear]:
    """Return the Linear layers inside decoder blocks by dotted name, in the model's order, without embeddings, lm_head and routers.

    Experts count if `pytest_unicomp.methods.experts.split_experts` has made them Linear layers. Raises UnicompError if there is none,
    as in architectures whose blocks hold no torch.nn.Linear.
    """
    import torch

    prefix, blocks = block_list(model)
    found = {
        f"{prefix}.{name}": module
        for name, module in blocks.named_modules()
        if isinstance(module, torch.nn.Linear) and name.rpartition(".")[2] not in ROUTERS
    }
    if not found:
        raise UnicompError(f"unicomp: the decoder blocks of {type(model).__name__} hold no Linear layer; nothing could be compressed.")
    return found


def other_linear_layers(model: torch.nn.Module) -> list[str]:
    """Return the names of all other Linear layers (lm_head, projections next to the embeddings, routers), which stay uncompressed."""
    import torch

    inside = linear_layers(model)
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and name not in inside]


def require_divisible(model: torch.nn.Module, group: int, *, recipe: str) -> None:
    """Raise UnicompError that names the first linear layer whose number of inputs is not a multiple of `group`."""
    for name, layer in linear_layers(model).items():
        if layer.in_features % group:
            raise UnicompError(
                f"unicomp: {recipe} works on groups of {group} inputs, but layer {name} has {layer.in_features}; "
                f"choose a group size that divides {layer.in_features}."
            )


def block_classes(model: torch.nn.Module) -> list[str]:
    """Return the class names of the decoder blocks: what llm-compressor's pruning takes as targets."""
    return sorted({type(block).__name__ for block in block_list(model)[1]})
