"""The architectures that can be made narrower: those whose blocks are laid out as in Llama, by the names of their parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LEAST_MULTIPLE = 8
NARROWED = ("llama", "mistral", "qwen2", "qwen3")
# Parts that read the residual stream, those that write into it, and the norms before the former.
READERS = ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj")
WRITERS = ("o_proj", "down_proj")
REASONS = {
    "gemma": "its norms multiply by 1 + weight",
    "gemma2": "its norms multiply by 1 + weight and stand behind the blocks too",
    "gemma3": "its norms multiply by 1 + weight and stand behind the blocks too",
    "gemma3_text": "its norms multiply by 1 + weight and stand behind the blocks too",
    "phi3": "its query, key, value and gate matrices are fused",
    "opt": "its norms subtract the mean and its positions are learned vectors",
    "gpt_neox": "its norms subtract the mean and its query, key and value matrices are fused",
    "gpt2": "its norms subtract the mean and its query, key and value matrices are fused",
}


def not_narrowed(config: Mapping[str, Any]) -> str | None:
    """Return why the width of a model with this config.json cannot be cut here, or None; imports nothing."""
    kind = str(config.get("model_type"))
    if quantization := config.get("quantization_config"):
        return f"it is quantized already ({quantization.get('quant_method', 'unknown method')}); give the full-precision checkpoint"
    if "moe" in kind or kind == "mixtral":
        return "it is a mixture of experts"
    if kind not in NARROWED:
        return REASONS.get(kind, f"its layout is not known to be that of {', '.join(NARROWED)}")
    return None


def not_clonable(config: Mapping[str, Any]) -> str | None:
    """Return why a model with this config.json cannot be cloned at low rank, or None; imports nothing."""
    if reason := not_narrowed(config):
        return reason
    biased = config.get("model_type") in ("llama", "qwen3") and (config.get("attention_bias") or config.get("mlp_bias"))
    return "its output projections have biases, which Low-Rank Clone has no projection for" if biased else None


def not_distilled(config: Mapping[str, Any]) -> str | None:
    """Return why a model with this config.json cannot be distilled at all, or None; imports nothing."""
    if quantization := config.get("quantization_config"):
        return f"it is quantized already ({quantization.get('quant_method', 'unknown method')}); give the full-precision checkpoint"
    if config.get("is_encoder_decoder"):
        return "it is an encoder with a decoder, and only decoders are known here"
    return None


def rounded(size: int, share: float, multiple: int) -> int:
    """Return `share` of `size` as the nearest multiple of `multiple`, the lower of two as near, and at least one multiple.

    If `size` is so small that this would keep all of it or nothing, `multiple` is halved (8 at least), so that
    something goes and something stays.
    """
    while True:
        found = max(1, math.ceil(share * size / multiple - 0.5)) * multiple
        if found < size or share >= 1 or multiple <= LEAST_MULTIPLE:
            return min(found, size)
        multiple //= 2
