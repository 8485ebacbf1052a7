"""Spares what the last layer of a model would compute for positions that nobody asks about: only their keys and values are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

# Where more of the positions are asked about, choosing them costs what it spares.
MOST = 0.5


class LastLayer:
    """The parts of a model's last layer that treat each position by itself: query and output of its attention, and what follows it.

    Raises ValueError for a model whose layers or parts are not named as Llama's are. That they treat positions so is to be found out by trying.
    """

    def __init__(self, model: Any) -> None:
        """Find the parts; nothing is changed until `reading` is entered."""
        layers = getattr(model.get_decoder(), "layers", None)
        if not layers:
            raise ValueError(f"{type(model).__name__} names no layers")
        attention = getattr(layers[-1], "self_attn", None)
        named = (getattr(attention, "q_proj", None), getattr(attention, "o_proj", None), getattr(layers[-1], "mlp", None))
        self._parts = [part for part in named if part is not None]
        if not self._parts:
            raise ValueError(f"{type(model).__name__} names no parts of its last layer")

    @contextmanager
    def reading(self, rows: Any, columns: Any) -> Iterator[None]:
        """Within the block the parts compute positions (row, column) alone, two lists of indices as tensors, and give zeros for all others."""
        with ExitStack() as stack:
            for part in self._parts:
                asked = _Asked(rows, columns)
                stack.callback(part.register_forward_pre_hook(asked.choose).remove)
                stack.callback(part.register_forward_hook(asked.put_back).remove)
            yield


class _Asked:
    """The positions that one part is asked about, within one call of it."""

    def __init__(self, rows: Any, columns: Any) -> None:
        self._rows, self._columns = rows, columns
        self._shape: tuple[int, int] | None = None

    def choose(self, _: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        hidden, *others = arguments
        self._shape = None
        if len(self._rows) > MOST * hidden.shape[0] * hidden.shape[1]:
            return None
        self._shape = hidden.shape[:2]
        return (hidden[self._rows.to(hidden.device), self._columns.to(hidden.device)][None], *others)

    def put_back(self, _: Any, __: tuple[Any, ...], given: Any) -> Any:
        if self._shape is None:
            return given
        whole = given.new_zeros(*self._shape, given.shape[-1])
        whole[self._rows.to(given.device), self._columns.to(given.device)] = given[0]
        return whole
