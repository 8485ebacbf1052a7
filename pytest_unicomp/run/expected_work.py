"""Estimates from a model's configuration the work that reading a token takes, and from the kind of a benchmark the tokens of an item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# A written token takes as long as so many that are read: each step writes one token per sequence of a batch, and reads all weights.
WRITTEN = 5.0


def parameters(config: Mapping[str, Any]) -> float | None:
    """Return how many parameters multiply each token: attention, feed-forward layers (of a mixture, the experts that are used), output layer.

    None if the configuration does not give the sizes of a decoder.
    """
    text = config.get("text_config")
    config = text if isinstance(text, Mapping) else config
    hidden, layers, vocabulary = (_size(config, name) for name in ("hidden_size", "num_hidden_layers", "vocab_size"))
    heads = _size(config, "num_attention_heads")
    if not (hidden and layers and vocabulary and heads):
        return None
    head = _size(config, "head_dim") or hidden / heads
    key_heads = _size(config, "num_key_value_heads") or heads
    attention = 2 * hidden * head * (heads + key_heads)
    wide = _size(config, "intermediate_size") or 4 * hidden
    used = _size(config, "num_experts_per_tok")
    if used:
        wide = used * (_size(config, "moe_intermediate_size") or wide) + _size(config, "shared_expert_intermediate_size")
    return layers * (attention + 3 * hidden * wide) + hidden * vocabulary


def reading_tokens(read: float, written: float) -> float:
    """Return how many tokens could be read in the time that an item takes."""
    return read + WRITTEN * written


def _size(config: Mapping[str, Any], name: str) -> float:
    value = config.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
