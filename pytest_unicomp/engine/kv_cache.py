"""Caches of keys and values: one row that all rows of a batch see (`spread`, `beside`), and one that is not copied at every token (`growing`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


def spread(one: Any, rows: int) -> Any:
    """Return a cache of `rows` rows that all see the one row of the cache `one`, which stays as it is; none of them owns a copy."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    wide = DynamicCache()
    for layer in one.layers:
        if not layer.is_initialized:
            continue
        copy = DynamicLayer()
        copy.dtype, copy.device, copy.is_initialized = layer.dtype, layer.device, True
        copy.keys, copy.values = layer.keys.expand(rows, -1, -1, -1), layer.values.expand(rows, -1, -1, -1)
        wide.layers.append(copy)
    return wide


def beside(one: Any) -> Any:
    """Return a cache as long as the one row of `one` that gives a layer its own keys and values alone: for `attention.folded`.

    Raises ValueError where a layer of `one` holds no keys.
    """
    from transformers import DynamicCache

    made = DynamicCache()
    for layer in one.layers:
        if not layer.is_initialized:
            raise ValueError("a layer keeps no keys of its own")
        made.layers.append(_beside_layer()(layer.keys, layer.values))
    return made


def growing(config: Any, tokens: int) -> Any:
    """Return an empty cache with room for `tokens` tokens per row; layers that keep a window or a state are transformers' own."""
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    made = DynamicCache(config=config)
    made.layers = [_growing_layer()(tokens) if type(layer) is DynamicLayer else layer for layer in made.layers]
    return made


def growable(config: Any) -> bool:
    """Say whether every layer of a model keeps all keys and values, so that rows which were read apart can be joined."""
    layer = _growing_layer()
    return all(isinstance(made, layer) for made in growing(config, 1).layers)


@dataclass(frozen=True)
class Part:
    """What rows have in a cache, at its `places` (a slice, or their numbers), behind what `before` holds: a cache of one row that all begin with, or None."""

    cache: Any
    places: Any
    before: Any = None

    def taken(self) -> list[tuple[Any, Any]]:
        """Return each layer's keys and values, shape (rows, key heads, tokens, head size); the cache is empty afterwards."""
        pairs = [_states(layer) for layer in self.cache.layers]
        self.cache.layers.clear()
        return pairs


def _states(layer: Any) -> tuple[Any, Any]:
    return getattr(layer, "added", None) or (layer.keys, layer.values)


def joined(config: Any, parts: Sequence[Part], filled: int, tokens: int) -> Any:
    """Return one growing cache of the rows of all parts, which are emptied layer by layer; `tokens` is its room per row.

    Each row begins at the left; what lies between its end and `filled`, the length of the longest, is of no meaning and must be masked.
    """
    import torch

    whole = growing(config, tokens)
    waiting = [part.taken() for part in parts]
    rows = sum(len(pairs[0][0]) for pairs in waiting)
    for number, layer in enumerate(whole.layers):
        room = tuple(
            torch.empty(rows, like.shape[1], tokens, like.shape[-1], dtype=like.dtype, device=like.device) for like in waiting[0][0]
        )
        start = 0
        for part, pairs in zip(parts, waiting, strict=True):
            # Let go of at once, so that one layer alone is held twice.
            own = [states[:, :, part.places] for states in pairs.pop(0)]
            before = (None, None) if part.before is None else _states(part.before.layers[number])
            end = start + len(own[0])
            for target, first, then in zip(room, before, own, strict=True):
                left = 0 if first is None else first.shape[-2]
                right = left + then.shape[-2]
                if first is not None:
                    target[start:end, :, :left] = first
                target[start:end, :, left:right] = then
                # Masked, but not any number: what is not one would stay one.
                target[start:end, :, right:filled] = 0
            start = end
        layer.take(room, filled)
    return whole


@cache
def _beside_layer() -> type:
    from transformers.cache_utils import DynamicLayer

    class BesideLayer(DynamicLayer):  # type: ignore[misc]  # transformers says no types
        """Holds a beginning's keys and values, for its length; what rows add is handed back as it came, and kept apart as `added`."""

        added: tuple[Any, Any]

        def __init__(self, keys: Any, values: Any) -> None:
            super().__init__()
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

        def update(self, key_states: Any, value_states: Any, *arguments: Any, **settings: Any) -> tuple[Any, Any]:
            self.added = (key_states, value_states)
            return self.added

    return BesideLayer


@cache
def _growing_layer() -> type:
    import torch
    from transformers.cache_utils import DynamicLayer

    class GrowingLayer(DynamicLayer):  # type: ignore[misc]  # transformers says no types
        """Keys and values in room that was taken once; `keys` and `values` are the part of it that is filled."""

        keys: Any
        values: Any

        def __init__(self, tokens: int) -> None:
            super().__init__()
            self._tokens = tokens
            self._room: Any = None

        def take(self, room: tuple[Any, Any], filled: int) -> None:
            """Go on with keys and values that lie in `room` already, `filled` tokens of each row."""
            self.lazy_initialization(*room)
            self._room = room
            self.keys, self.values = (part[:, :, :filled] for part in room)

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
