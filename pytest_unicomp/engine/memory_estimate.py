"""Estimates from a model's configuration how much memory one token takes, which decides the size of batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Assumed if a configuration does not say: rather too large, which makes batches smaller.
HIDDEN, LAYERS = 4096, 48


@dataclass(frozen=True)
class BytesPerToken:
    """Bytes per token: `activations` in one decoder layer, `kv_cache` in all layers together; `element` is the size of one number."""

    activations: int
    kv_cache: int
    element: int


def bytes_per_token(model: Any) -> BytesPerToken:
    """Return the estimate for a causal model in the dtype of its weights; a configuration that is incomplete or odd raises no error."""
    config = model.config.get_text_config()
    element = int(model.dtype.itemsize)
    hidden = _largest(config, "hidden_size") or HIDDEN
    intermediate = _largest(config, "intermediate_size") or _largest(config, "ffn_dim") or 4 * hidden
    heads = _largest(config, "num_attention_heads") or 1
    key_heads = _largest(config, "num_key_value_heads") or heads
    head_size = _largest(config, "head_dim") or max(1, hidden // heads)
    layers = _largest(config, "num_hidden_layers") or LAYERS
    return BytesPerToken(element * (3 * intermediate + 8 * hidden), 2 * element * layers * key_heads * head_size, element)


def _largest(config: Any, name: str) -> int:
    """Return a size of the configuration: the largest if each layer has its own, 0 if there is none."""
    try:
        value = getattr(config, name, None)
    except RuntimeError:  # transformers raises it if the sizes of the layers differ
        value = None
    sizes = value if isinstance(value, list | tuple) else [value]
    return max((int(size) for size in sizes if isinstance(size, int | float)), default=0)
