"""Roughly how much memory a token takes in a model, by its configuration: what batches are cut by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BytesPerToken:
    """Bytes that one token takes on its way through a layer (`activations`), and its keys and values in all layers (`keys`); `number` is one number's."""

    activations: int
    keys: int
    number: int


def bytes_per_token(model: Any) -> BytesPerToken:
    """Return the sizes of a causal model's tokens in the data type of its weights."""
    config = model.config.get_text_config()
    number = int(model.dtype.itemsize)
    hidden = int(config.hidden_size)
    inner = int(getattr(config, "intermediate_size", None) or getattr(config, "ffn_dim", None) or 4 * hidden)
    heads = int(config.num_attention_heads)
    key_heads = int(getattr(config, "num_key_value_heads", None) or heads)
    size = int(getattr(config, "head_dim", None) or hidden // heads)
    return BytesPerToken(number * (3 * inner + 8 * hidden), 2 * number * int(config.num_hidden_layers) * key_heads * size, number)
