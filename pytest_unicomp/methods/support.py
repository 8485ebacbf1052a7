"""Decides from config.json alone which models no pruning or quantization method supports: the reasons that all methods share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
# Their checkpoints have one matrix per expert, with names that a packed artifact shares; a test loads each again.
PROVEN_EXPERTS = ("olmoe", "qwen2_moe", "qwen3_moe")
WITHOUT_LINEAR = ("gpt2", "openai-gpt")


def has_experts(config: Mapping[str, Any]) -> bool:
    """Return True if the model is a mixture of experts."""
    return any(int(config.get(key) or 0) > 1 for key in EXPERT_COUNTS)


def unsupported(config: Mapping[str, Any]) -> str | None:
    """Return why the decoder blocks of a model with this config.json cannot be compressed layer by layer, or None; imports nothing."""
    kind = config.get("model_type")
    if quantization := config.get("quantization_config"):
        return f"it is quantized already ({quantization.get('quant_method', 'unknown method')}); give the full-precision checkpoint"
    if config.get("is_encoder_decoder"):
        return "it is an encoder with a decoder, and only decoders are known here"
    if kind in WITHOUT_LINEAR:
        return "its blocks hold Conv1D layers in place of torch.nn.Linear"
    if has_experts(config) and kind not in PROVEN_EXPERTS:
        return f"experts are known to survive compression and loading only in {', '.join(PROVEN_EXPERTS)}"
    return None
