"""Computes logits only where they are wanted: `Head` lets a model's forward pass reach its output layer with the chosen positions alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.last_layer import LastLayer

# Bytes of float32 logits that are held at once.
LOGITS_BYTES = 2**27


@dataclass(frozen=True)
class Scores:
    """Of N wanted tokens: `log_probabilities` in nats and `likeliest`, whether no other token was likelier; lists of length N."""

    log_probabilities: list[float]
    likeliest: list[bool]


class Head:
    """The output layer of a causal model. `plain`: the logits are that layer's output and nothing after it changes them; `last` is spared what it can be.

    Raises ValueError for a model that does not say which layer that is.
    """

    def __init__(self, model: Any, *, plain: bool, last: LastLayer | None = None) -> None:
        """Take the layer that the model itself names; nothing is changed until `reading` is entered."""
        self._layer = model.get_output_embeddings()
        if self._layer is None:
            raise ValueError(f"{type(model).__name__} names no output layer")
        self.plain, self._last = plain, last
        self._rows: Any = None
        self._columns: Any = None
        self._hidden: Any = None

    @contextmanager
    def reading(self, rows: Sequence[int], columns: Sequence[int]) -> Iterator[None]:
        """Within the block the model's logits are those of positions (row, column) alone, shape (1, N, vocabulary); where the head is plain, of one."""
        import torch

        self._rows, self._columns = torch.tensor(rows), torch.tensor(columns)
        handle = self._layer.register_forward_pre_hook(self._choose)
        try:
            with nullcontext() if self._last is None else self._last.reading(self._rows, self._columns):
                yield
        finally:
            handle.remove()

    def _choose(self, _: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *others = arguments
        chosen = hidden[self._rows.to(hidden.device), self._columns.to(hidden.device)]
        if self.plain:
            self._hidden = chosen
            chosen = chosen[:1]
        return (chosen[None], *others)

    def logits(self, logits: Any) -> Any:
        """Return the logits of all positions that were read, shape (N, vocabulary), from those that the model has given."""
        kept, self._hidden = self._hidden, None
        return self._layer(kept) if self.plain else logits[0]

    def scores(self, logits: Any, wanted: Sequence[int], tokens: Sequence[int]) -> Scores:
        """Return the scores of `tokens`, each under the logits of position number `wanted` of those that were read."""
        import torch

        kept, self._hidden = self._hidden, None
        count = len(kept) if self.plain else logits.shape[1]
        width = logits.shape[-1]
        order = torch.tensor(wanted, device=logits.device)
        targets = torch.tensor(tokens, device=logits.device)
        chosen = torch.empty(len(wanted), device=logits.device)
        likeliest = torch.empty(len(wanted), dtype=torch.bool, device=logits.device)
        step = max(1, LOGITS_BYTES // (4 * width))
        for start in range(0, count, step):
            part = (self._layer(kept[start : start + step]) if self.plain else logits[0, start : start + step]).float()
            here = ((order >= start) & (order < start + step)).nonzero()[:, 0]
            rows = order[here] - start
            values = part[rows, targets[here]]
            chosen[here] = values - part.logsumexp(-1)[rows]
            likeliest[here] = part.argmax(-1)[rows] == targets[here]
        return Scores(chosen.tolist(), likeliest.tolist())
