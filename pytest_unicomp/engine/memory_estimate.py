"""Roughly how much memory a token takes in a model, by its configuration: what batches are cut by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# What is taken where a configuration does not say: rather too much, which makes batches small.
HIDDEN, LAYERS = 4096, 48


@dataclass(frozen=True)
class BytesPerToken:
    """Bytes that one token takes on its way through a layer (`activations`), and its keys and values in all layers (`keys`); `number` is one number's."""

    activations: int
    keys: int
    number: int


def bytes_per_token(model: Any) -> BytesPerToken:
    """Return the sizes of a causal model's tokens in the data type of its weights; a configuration that says nothing or something odd is no error."""
    config = model.config.get_text_config()
    number = int(model.dtype.itemsize)
    hidden = _largest(config, "hidden_size") or HIDDEN
    inner = _largest(config, "intermediate_size") or _largest(config, "ffn_dim") or 4 * hidden
    heads = _largest(config, "num_attention_heads") or 1
    key_heads = _largest(config, "num_key_value_heads") or heads
    size = _largest(config, "head_dim") or max(1, hidden // heads)
    layers = _largest(config, "num_hidden_layers") or LAYERS
    return BytesPerToken(number * (3 * inner + 8 * hidden), 2 * number * layers * key_heads * size, number)


def _largest(config: Any, name: str) -> int:
    """Return a size of the configuration, the largest where each layer has its own, 0 where it says none."""
    try:
        given = getattr(config, name, None)
    except RuntimeError:  # transformers': each layer has its own, and none of them speaks for all
        given = None
    each = given if isinstance(given, list | tuple) else [given]
    return max((int(size) for size in each if isinstance(size, int | float)), default=0)
