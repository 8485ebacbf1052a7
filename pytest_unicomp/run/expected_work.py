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
    return _parameters(_decoder(config), ("num_experts_per_tok",))


def all_parameters(config: Mapping[str, Any]) -> float | None:
    """Return how many parameters a checkpoint holds: as `parameters`, with all experts, and the embedding if it is not the output layer too.

    Norms and biases, below a thousandth of a model, are left out. None if the configuration does not give the sizes of a decoder.
    """
    text = _decoder(config)
    multiplied = _parameters(text, ("num_local_experts", "num_experts", "n_routed_experts"))
    if multiplied is None:
        return None
    # transformers ties them unless a configuration says otherwise.
    tied = text.get("tie_word_embeddings", config.get("tie_word_embeddings", True))
    return multiplied if tied else multiplied + _size(text, "hidden_size") * _size(text, "vocab_size")


def _decoder(config: Mapping[str, Any]) -> Mapping[str, Any]:
    text = config.get("text_config")
    return text if isinstance(text, Mapping) else config


def _parameters(config: Mapping[str, Any], experts: tuple[str, ...]) -> float | None:
    """Return the parameters of attention, of feed-forward layers with as many experts as the first of the fields says, and of the output layer."""
    hidden, layers, vocabulary = (_size(config, name) for name in ("hidden_size", "num_hidden_layers", "vocab_size"))
    heads = _size(config, "num_attention_heads")
    if not (hidden and layers and vocabulary and heads):
        return None
    head = _size(config, "head_dim") or hidden / heads
    key_heads = _size(config, "num_key_value_heads") or heads
    attention = 2 * hidden * head * (heads + key_heads)
    wide = _size(config, "intermediate_size") or 4 * hidden
    count = next((found for name in experts if (found := _size(config, name))), 0.0)
    if count:
        wide = count * (_size(config, "moe_intermediate_size") or wide) + _size(config, "shared_expert_intermediate_size")
    return layers * (attention + 3 * hidden * wide) + hidden * vocabulary


def reading_tokens(read: float, written: float) -> float:
    """Return how many tokens could be read in the time that an item takes."""
    return read + WRITTEN * written


def _size(config: Mapping[str, Any], name: str) -> float:
    value = config.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
