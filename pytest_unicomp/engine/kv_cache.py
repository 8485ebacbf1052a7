"""KV caches: one row shared by all rows of a batch without a copy, and preallocated caches, into which each decode step writes in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


def expand(one_row: Any, rows: int) -> Any:
    """Return a cache of `rows` rows that are all views of the single row of the cache `one_row`, which stays unchanged."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    expanded = DynamicCache()
    for layer in one_row.layers:
        if not layer.is_initialized:
            continue
        copy = DynamicLayer()
        copy.dtype, copy.device, copy.is_initialized = layer.dtype, layer.device, True
        copy.keys, copy.values = layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)
        expanded.layers.append(copy)
    return expanded


def side_by_side(one_row: Any) -> Any:
    """Return a cache that reports the length of `one_row`, but hands every layer only the keys and values of the new tokens.

    For `attention.cascade`, which attends to the shared row by itself. Raises ValueError if a layer of `one_row` holds no keys.
    """
    from transformers import DynamicCache

    made = DynamicCache()
    for layer in one_row.layers:
        if not layer.is_initialized:
            raise ValueError("a layer keeps no keys of its own")
        made.layers.append(_side_by_side_layer()(layer.keys, layer.values))
    return made


def preallocated(config: Any, tokens: int) -> Any:
    """Return an empty cache with memory for `tokens` tokens per row. Layers with a sliding window or a state are those of transformers."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    made = DynamicCache(config=config)
    made.layers = [_preallocated_layer()(tokens) if type(layer) is DynamicLayer else layer for layer in made.layers]
    return made


def can_concat(config: Any) -> bool:
    """Return True if every layer of a model keeps all keys and values, so that `concat` can join rows of separate caches."""
    layer = _preallocated_layer()
    return all(isinstance(made, layer) for made in preallocated(config, 1).layers)


@dataclass(frozen=True)
class CacheSlice:
    """Some tokens of the rows of a cache.

    `columns` selects the tokens (a slice, or a tensor of column numbers). `prefix` is None or a cache of one row that all the rows start with.
    """

    cache: Any
    columns: Any
    prefix: Any = None

    def take_layers(self) -> list[tuple[Any, Any]]:
        """Return the (keys, values) of each layer, each of shape (rows, key heads, tokens, head size), and empty the cache."""
        pairs = [_keys_and_values(layer) for layer in self.cache.layers]
        self.cache.layers.clear()
        return pairs


def _keys_and_values(layer: Any) -> tuple[Any, Any]:
    beside_prefix = isinstance(layer, _side_by_side_layer())
    return layer.added if beside_prefix else (layer.keys, layer.values)


def concat(config: Any, slices: Sequence[CacheSlice], filled: int, tokens: int) -> Any:
    """Return one preallocated cache with the rows of all slices and memory for `tokens` tokens per row; the slices are emptied layer by layer.

    Rows are aligned on the left. `filled` is the length of the longest row; the columns between the end of a row and `filled` are zeros, which
    the attention mask must hide.
    """
    import torch

    whole = preallocated(config, tokens)
    remaining = [part.take_layers() for part in slices]
    rows = sum(len(pairs[0][0]) for pairs in remaining)
    for number, layer in enumerate(whole.layers):
        buffers = tuple(
            torch.empty(rows, like.shape[1], tokens, like.shape[-1], dtype=like.dtype, device=like.device) for like in remaining[0][0]
        )
        start = 0
        for part, pairs in zip(slices, remaining, strict=True):
            # Popped, so that only one layer is in memory twice.
            own = [states[:, :, _beside(part.columns, states)] for states in pairs.pop(0)]
            prefix = (None, None) if part.prefix is None else _keys_and_values(part.prefix.layers[number])
            end = start + len(own[0])
            for target, shared, states in zip(buffers, prefix, own, strict=True):
                left = 0 if shared is None else shared.shape[-2]
                right = left + states.shape[-2]
                if shared is not None:
                    target[start:end, :, :left] = shared
                target[start:end, :, left:right] = states
                # The mask hides these, but a NaN in uninitialized memory would survive a weight of zero.
                target[start:end, :, right:filled] = 0
            start = end
        layer.adopt(buffers, filled)
    return whole


def _beside(columns: Any, states: Any) -> Any:
    """Return the column numbers on the device of a layer's states; the layers of a sharded model lie on several GPUs."""
    return columns if isinstance(columns, slice) else columns.to(states.device)


@cache
def _side_by_side_layer() -> type:
    from transformers.cache_utils import DynamicLayer

    class SideBySideLayer(DynamicLayer):  # type: ignore[misc]  # transformers has no types
        """Holds the keys and values of a prefix for their length. `update` returns the new tokens' alone, and keeps them as `added`."""

        added: tuple[Any, Any]

        def __init__(self, keys: Any, values: Any) -> None:
            super().__init__()
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

        def update(self, key_states: Any, value_states: Any, *arguments: Any, **settings: Any) -> tuple[Any, Any]:
            self.added = (key_states, value_states)
            return self.added

    return SideBySideLayer


@cache
def _preallocated_layer() -> type:
    import torch
    from transformers.cache_utils import DynamicLayer

    class PreallocatedLayer(DynamicLayer):  # type: ignore[misc]  # transformers has no types
        """Writes keys and values into buffers that were allocated once; `keys` and `values` are views of the filled part."""

        keys: Any
        values: Any

        def __init__(self, tokens: int) -> None:
            super().__init__()
            self._tokens = tokens
            self._buffers: Any = None

        def adopt(self, buffers: tuple[Any, Any], filled: int) -> None:
            """Continue with `buffers` (keys, values), in which `filled` tokens of each row are already written."""
            self.lazy_initialization(*buffers)
            self._buffers = buffers
            self.keys, self.values = (part[:, :, :filled] for part in buffers)

        def update(self, key_states: Any, value_states: Any, *arguments: Any, **settings: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            filled = self.get_seq_length()
            end = filled + key_states.shape[-2]
            if self._buffers is None or end > self._buffers[0].shape[-2]:
                self._buffers = tuple(self._allocate(states, end) for states in (key_states, value_states))
                if filled:
                    self._buffers[0][:, :, :filled], self._buffers[1][:, :, :filled] = self.keys, self.values
            keys, values = self._buffers
            keys[:, :, filled:end], values[:, :, filled:end] = key_states, value_states
            self.keys, self.values = keys[:, :, :end], values[:, :, :end]
            return self.keys, self.values

        def _allocate(self, states: Any, end: int) -> Any:
            rows, heads, _, size = states.shape
            return torch.empty(rows, heads, max(self._tokens, end), size, dtype=states.dtype, device=states.device)

        def batch_repeat_interleave(self, repeats: int) -> None:
            super().batch_repeat_interleave(repeats)
            self._buffers = None

        def batch_select_indices(self, indices: Any) -> None:
            filled = self.get_seq_length()
            if self._buffers is not None:
                # The layers of a sharded model lie on several GPUs.
                self._buffers = tuple(part[indices.to(part.device)] for part in self._buffers)
                self.keys, self.values = (part[:, :, :filled] for part in self._buffers)
            else:
                super().batch_select_indices(indices.to(self.keys.device))

    return PreallocatedLayer
