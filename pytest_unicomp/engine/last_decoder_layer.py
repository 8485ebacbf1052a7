"""Computes the last decoder layer only at selected positions: for all other positions only its keys and values are needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

# Above this share of selected positions, selecting them costs as much as it saves.
MAX_SELECTED_SHARE = 0.5


class LastDecoderLayer:
    """The modules of a model's last decoder layer that work position by position: q_proj and o_proj of its attention, and the MLP.

    Raises ValueError for a model whose layers or modules are not named as in Llama. The names do not prove that the modules work position by
    position: `model_probe` tests that.
    """

    def __init__(self, model: Any) -> None:
        """Find the modules; nothing is changed before `at_positions` is entered."""
        layers = getattr(model.get_decoder(), "layers", None)
        if not layers:
            raise ValueError(f"{type(model).__name__} names no layers")
        attention = getattr(layers[-1], "self_attn", None)
        named = (getattr(attention, "q_proj", None), getattr(attention, "o_proj", None), getattr(layers[-1], "mlp", None))
        self._modules = [module for module in named if module is not None]
        if not self._modules:
            raise ValueError(f"{type(model).__name__} names no parts of its last layer")

    @contextmanager
    def at_positions(self, rows: Any, columns: Any) -> Iterator[None]:
        """Compute the modules, within the block, at positions (row, column) alone, given as two tensors of N indices; all other outputs are zeros."""
        with ExitStack() as stack:
            for module in self._modules:
                positions = _SelectedPositions(rows, columns)
                stack.callback(module.register_forward_pre_hook(positions.gather).remove)
                stack.callback(module.register_forward_hook(positions.scatter).remove)
            yield


class _SelectedPositions:
    """The hooks of one module: gather the selected positions before a call, scatter its output afterwards."""

    def __init__(self, rows: Any, columns: Any) -> None:
        self._rows, self._columns = rows, columns
        self._shape: tuple[int, int] | None = None

    def gather(self, _: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
        hidden, *others = arguments
        self._shape = None
        if len(self._rows) > MAX_SELECTED_SHARE * hidden.shape[0] * hidden.shape[1]:
            return None
        self._shape = hidden.shape[:2]
        return (hidden[self._rows.to(hidden.device), self._columns.to(hidden.device)][None], *others)

    def scatter(self, _: Any, __: tuple[Any, ...], output: Any) -> Any:
        if self._shape is None:
            return output
        whole = output.new_zeros(*self._shape, output.shape[-1])
        whole[self._rows.to(output.device), self._columns.to(output.device)] = output[0]
        return whole
