"""Key-value caches that rows share: computed once for one row, seen by every row of a batch without being copied for each."""

from __future__ import annotations

from typing import Any


def spread(cache: Any, rows: int) -> Any:
    """Return a cache of `rows` rows that all see the one row of `cache`, which stays as it is; none of them owns a copy."""
    from transformers import DynamicCache

    copy = DynamicCache()
    for layer in cache.layers:
        copy.layers.append(_layer(layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)))
    return copy


def _layer(keys: Any, values: Any) -> Any:
    from transformers.cache_utils import DynamicLayer

    layer = DynamicLayer()
    layer.dtype, layer.device = keys.dtype, keys.device
    layer.keys, layer.values = keys, values
    layer.is_initialized = True
    return layer
