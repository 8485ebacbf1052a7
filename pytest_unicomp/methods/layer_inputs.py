"""The number of inputs and outputs of the Linear layers in a model's decoder blocks, from its config.json alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.methods.support import has_experts

SIZES = ("ffn_dim", "moe_intermediate_size", "shared_expert_intermediate_size", "q_lora_rank", "kv_lora_rank")


def layer_inputs(config: Mapping[str, Any]) -> dict[str, int]:
    """Return the input sizes under the configuration's own names; empty if the configuration does not name the hidden size.

    Attention and gate layers read `hidden_size`, the attention output heads x head_dim, the last layer of an MLP `intermediate_size`
    (`ffn_dim` in OPT, `moe_intermediate_size` in an expert).
    """
    text: Mapping[str, Any] = config.get("text_config") or config
    hidden = text.get("hidden_size")
    if not hidden:
        return {}
    found = {"hidden_size": int(hidden)}
    if heads := text.get("num_attention_heads"):
        found["num_attention_heads x head_dim"] = int(heads) * head_size(text)
    if text.get("intermediate_size") and not _only_experts(text):
        found["intermediate_size"] = int(text["intermediate_size"])
    return found | {key: int(text[key]) for key in SIZES if text.get(key)}


def layer_outputs(config: Mapping[str, Any]) -> dict[str, int]:
    """Return the output sizes of all layers but queries and experts, under the configuration's own names: keys and values have
    `num_key_value_heads` x head_dim. Empty if the configuration does not name the hidden size."""
    text: Mapping[str, Any] = config.get("text_config") or config
    found = {name: size for name, size in layer_inputs(config).items() if name in ("hidden_size", "intermediate_size")}
    heads = text.get("num_key_value_heads") or text.get("num_attention_heads")
    return found | ({"num_key_value_heads x head_dim": int(heads) * head_size(text)} if found and heads else {})


def head_size(config: Mapping[str, Any]) -> int:
    """Return the size of an attention head's output, in channels."""
    text: Mapping[str, Any] = config.get("text_config") or config
    return int(text.get("v_head_dim") or text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])


def _only_experts(text: Mapping[str, Any]) -> bool:
    """Return True if no layer has an MLP of `intermediate_size`: experts have a size of their own, and every layer has experts."""
    separate = has_experts(text) and text.get("moe_intermediate_size")
    return bool(separate and text.get("decoder_sparse_step", 1) == 1 and not text.get("mlp_only_layers"))


def not_divided(config: Mapping[str, Any], size: int) -> str | None:
    """Return the first input size that `size` does not divide, such as "hidden_size 576", or None."""
    return next((f"{name} {inputs}" for name, inputs in layer_inputs(config).items() if inputs % size), None)
