"""The check `shapes` of `unicomp check-artifact`: every tensor in the base's shape or, in a smaller student, in that of its config.json."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pytest_unicomp.checkpoints.checks.checkpoint import Checkpoint
from pytest_unicomp.checkpoints.checks.finding import ArtifactCheck, Outcome, judged, not_applicable
from pytest_unicomp.checkpoints.checks.sizes import sizes
from pytest_unicomp.checkpoints.configuration import SIZES
from pytest_unicomp.checkpoints.formats import FORMATS
from pytest_unicomp.checkpoints.safetensors_reader import ATTACHED

# Models whose blocks are written as Llama's, so that config.json gives every shape.
LIKE_LLAMA = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2")
# Formats that are not read in detail, yet keep each weight under its dense name and in its dense shape.
PLAINLY_NAMED = ("none", "fp8", "mxfp4")
HEADS = ("lm_head.weight", "embed_out.weight")
FORGOTTEN = (*HEADS, "rotary_emb.inv_freq", "masked_bias", "attn.bias")
STORAGE = (*ATTACHED, "qweight", "weight_packed", "perm", "bitmask", "compressed", "shape", "row_offsets")
LAYER = re.compile(r"\.layers\.(\d+)\.")


def logical(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight as the architecture has it, by its dense name; scales and the like are left out."""
    found = {name: tensor.shape for name, tensor in checkpoint.tensors.items() if name.rpartition(".")[2] not in STORAGE}
    found |= {f"{layer.name}.weight": (layer.outputs, layer.inputs) for layer in checkpoint.layers}
    for name, tensor in checkpoint.tensors.items():
        if name.endswith(".weight.shape"):
            found[name.removesuffix(".shape")] = tuple(int(side) for side in tensor.read("<i8"))
    return found


def shapes(candidate: Checkpoint, base: Checkpoint) -> Outcome:
    """Compare with the base tensor by tensor, or a smaller student with its own config.json."""
    if candidate.method not in (*FORMATS, *PLAINLY_NAMED):
        return not_applicable(f"the format {candidate.method!r} is not known here; known: {', '.join(FORMATS)}")
    mine, wanted = logical(candidate), logical(base)
    own, theirs = sizes(candidate, base)
    differing = [key for key in (*SIZES, "vocab_size") if own.get(key) is not None and own.get(key) != theirs.get(key)]
    if not differing:
        return judged(_against_base(candidate, mine, wanted), f"{len(mine)} tensors as the base's")
    if mine == wanted:
        # Heads can be counted otherwise without any tensor changing its shape: the same numbers are then read as another model.
        return judged(
            [
                f"config.json has {key} {own.get(key)}, the base {theirs.get(key)}, yet every tensor has the base's shape"
                for key in differing
            ],
            "",
        )
    if own.get("model_type") not in LIKE_LLAMA:
        return not_applicable(
            f"sizes differ from the base's ({differing[0]}), and the shapes of {own.get('model_type')} are not known here"
        )
    return judged(_against_config(mine, own), f"{len(mine)} tensors as config.json gives them (sizes differ from the base's)")


def _against_base(candidate: Checkpoint, mine: Mapping[str, tuple[int, ...]], theirs: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    for name, shape in theirs.items():
        if name in mine:
            if mine[name] != shape:
                yield f"{name} is {list(mine[name])}, the base has {list(shape)}"
        # Fused experts are stored apart if they are quantized; a head may be tied.
        elif not name.endswith(FORGOTTEN) and ".experts." not in name:
            yield f"{name} is missing"
    for name in sorted(set(mine) - set(theirs)):
        counted = candidate.statistics.get(name)
        # AutoGPTQ writes a bias of zeros for every layer; one that is not zero would be lost on loading.
        if counted and counted.zeros < counted.elements and not name.endswith(FORGOTTEN) and ".experts." not in name:
            yield f"{name} has no place in the base's architecture, and is not zero"


def _against_config(mine: Mapping[str, tuple[int, ...]], config: Mapping[str, Any]) -> Iterator[str]:
    wanted = expected(config)
    for name, shape in mine.items():
        short = ".".join(name.split(".")[-2:])
        if LAYER.search(name) and short in wanted and shape != wanted[short]:
            yield f"{name} is {list(shape)}, config.json gives {list(wanted[short])}"
    found = {int(match[1]) for name in mine if (match := LAYER.search(name))}
    if found != set(range(config["num_hidden_layers"])):
        yield f"layers {min(found, default=0)} to {max(found, default=0)} ({len(found)}), config.json has {config['num_hidden_layers']}"


def expected(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a Llama block's matrices and norms by the last two parts of their names."""
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    width = config.get("head_dim") or hidden // heads
    few = (config.get("num_key_value_heads") or heads) * width
    return {
        "q_proj.weight": (heads * width, hidden),
        "k_proj.weight": (few, hidden),
        "v_proj.weight": (few, hidden),
        "o_proj.weight": (hidden, heads * width),
        "gate_proj.weight": (inner, hidden),
        "up_proj.weight": (inner, hidden),
        "down_proj.weight": (hidden, inner),
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
    }


CHECKS = {
    "shapes": ArtifactCheck(
        "every tensor of the base, in its shape; in a smaller student, the shapes that its config.json gives",
        "save the model again together with its config.json",
        shapes,
    )
}
