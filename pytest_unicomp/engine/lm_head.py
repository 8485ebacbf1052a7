"""Computes logits only at the positions that need them: the output layer (lm_head) of a model gets the hidden states of those alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.last_decoder_layer import LastDecoderLayer

# Most bytes of float32 logits in memory at once.
LOGITS_BYTES = 2**27


@dataclass(frozen=True)
class TokenScores:
    """Scores of N target tokens: `log_probabilities` in nats, and `greedy`, True if no other token had a higher logit; lists of length N."""

    log_probabilities: list[float]
    greedy: list[bool]


class LMHead:
    """The output layer of a causal model, limited to selected positions.

    `unmodified`: the model returns the layer's output as it is, without softcapping or scaling. Logits can then be computed in parts, after the
    forward pass. `last_layer`, if given, is limited to the same positions. Raises ValueError for a model that names no output layer.
    """

    def __init__(self, model: Any, *, unmodified: bool, last_layer: LastDecoderLayer | None = None) -> None:
        """Find the output layer; nothing is changed before `at_positions` is entered."""
        self._layer = model.get_output_embeddings()
        if self._layer is None:
            raise ValueError(f"{type(model).__name__} names no output layer")
        self.unmodified, self._last_layer = unmodified, last_layer
        self._rows: Any = None
        self._columns: Any = None
        self._hidden: Any = None

    @contextmanager
    def at_positions(self, rows: Sequence[int], columns: Sequence[int]) -> Iterator[None]:
        """Limit the model's logits, within the block, to the N positions (row, column): shape (1, N, vocabulary).

        If `unmodified`, the hidden states of all N are kept for `logits` and `scores`, and the forward pass returns the logits of the first alone.
        """
        import torch

        self._rows, self._columns = torch.tensor(rows), torch.tensor(columns)
        handle = self._layer.register_forward_pre_hook(self._select)
        try:
            with nullcontext() if self._last_layer is None else self._last_layer.at_positions(self._rows, self._columns):
                yield
        finally:
            handle.remove()

    def _select(self, _: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden, *others = arguments
        selected = hidden[self._rows.to(hidden.device), self._columns.to(hidden.device)]
        if self.unmodified:
            self._hidden = selected
            selected = selected[:1]
        return (selected[None], *others)

    def logits(self, model_logits: Any) -> Any:
        """Return the logits of the N positions of the last forward pass, shape (N, vocabulary); `model_logits` is what the model returned."""
        hidden, self._hidden = self._hidden, None
        return self._layer(hidden) if self.unmodified else model_logits[0]

    def scores(self, model_logits: Any, positions: Sequence[int], targets: Sequence[int]) -> TokenScores:
        """Score each of `targets` under the logits at position number `positions[i]`, 0 to N - 1, of the last forward pass."""
        import torch

        hidden, self._hidden = self._hidden, None
        vocabulary = model_logits.shape[-1]
        step = max(1, LOGITS_BYTES // (4 * vocabulary))
        # Divided here and not on the device, which would have to be waited for in each part.
        parts: dict[int, list[int]] = {}
        for number, position in enumerate(positions):
            parts.setdefault(position // step * step, []).append(number)
        order = [number for numbers in parts.values() for number in numbers]
        log_probabilities, greedy = [], []
        for start, numbers in parts.items():
            part = (self._layer(hidden[start : start + step]) if self.unmodified else model_logits[0, start : start + step]).float()
            # On the device of the output layer, which in a sharded model is not that of the model's logits.
            rows = torch.tensor([positions[number] - start for number in numbers], device=part.device)
            tokens = torch.tensor([targets[number] for number in numbers], device=part.device)
            log_probabilities.append(part[rows, tokens] - part.logsumexp(-1)[rows])
            greedy.append(part.argmax(-1)[rows] == tokens)
        found = sorted(zip(order, torch.cat(log_probabilities).tolist(), torch.cat(greedy).tolist(), strict=True))
        return TokenScores([value for _, value, _ in found], [best for *_, best in found])
