"""Caches of keys and values: one row that all rows of a batch see without a copy of it (`spread`), and one that is not copied at every token (`growing`)."""

from __future__ import annotations

from functools import cache
from typing import Any


def spread(one: Any, rows: int) -> Any:
    """Return a cache of `rows` rows that all see the one row of the cache `one`, which stays as it is; none of them owns a copy."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    wide = DynamicCache()
    for layer in one.layers:
        copy = DynamicLayer()
        copy.dtype, copy.device, copy.is_initialized = layer.dtype, layer.device, True
        copy.keys, copy.values = layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)
        wide.layers.append(copy)
    return wide


def growing(config: Any, tokens: int) -> Any:
    """Return an empty cache with room for `tokens` tokens per row; layers that keep a window or a state are transformers' own."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    made = DynamicCache(config=config)
    made.layers = [_growing_layer()(tokens) if type(layer) is DynamicLayer else layer for layer in made.layers]
    return made


@cache
def _growing_layer() -> type:
    import torch
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):  # type: ignore[misc]
        """Keys and values in room that was taken once; `keys` and `values` are the part of it that is filled."""

        keys: Any
        values: Any

        def __init__(self, tokens: int) -> None:
            super().__init__()
            self._tokens = tokens
            self._room: Any = None

        def update(self, key_states: Any, value_states: Any, *arguments: Any, **settings: Any) -> tuple[Any, Any]:
            if not self.is_initialized:
                self.lazy_initialization(key_states, value_states)
            filled = self.get_seq_length()
            end = filled + key_states.shape[-2]
            if self._room is None or end > self._room[0].shape[-2]:
                self._room = tuple(self._taken(states, end) for states in (key_states, value_states))
                if filled:
                    self._room[0][:, :, :filled], self._room[1][:, :, :filled] = self.keys, self.values
            keys, values = self._room
            keys[:, :, filled:end], values[:, :, filled:end] = key_states, value_states
            self.keys, self.values = keys[:, :, :end], values[:, :, :end]
            return self.keys, self.values

        def _taken(self, states: Any, end: int) -> Any:
            rows, heads, _, size = states.shape
            return torch.empty(rows, heads, max(self._tokens, end), size, dtype=states.dtype, device=states.device)

        def batch_repeat_interleave(self, repeats: int) -> None:
            super().batch_repeat_interleave(repeats)
            self._room = None

        def batch_select_indices(self, indices: Any) -> None:
            filled = self.get_seq_length()
            if self._room is not None:
                self._room = tuple(part[indices] for part in self._room)
                self.keys, self.values = (part[:, :, :filled] for part in self._room)
            else:
                super().batch_select_indices(indices)

    return GrowingLayer
