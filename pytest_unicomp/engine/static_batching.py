"""Static batches, for models whose rows cannot join a batch later: each batch is prefilled in one pass and decoded to its end before the next one."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.decoding_batch import DecodingBatch, Row, last_logits, max_rows, prefill_tokens
from pytest_unicomp.engine.kv_cache import preallocated
from pytest_unicomp.engine.out_of_memory import is_out_of_memory


class StaticBatches:
    """Prefills each batch in one pass, padded on the left, and decodes it to its end before the next one."""

    def __init__(self, model: Any, rows: Sequence[Row], max_new_tokens: int) -> None:
        """Take the rows, each of which may generate at most `max_new_tokens` tokens."""
        self._model, self._max_new_tokens = model, max_new_tokens
        self._waiting = deque(sorted(rows, key=lambda row: (-len(row.prompt), row.prompt)))

    def refill(self, batch: DecodingBatch | None) -> DecodingBatch | None:
        """Return the batch, or the next one if it has ended, halved until it fits into memory; None if no row is left."""
        if batch is not None or not self._waiting:
            return batch
        longest = len(self._waiting[0].prompt)
        count = max(1, min(max_rows(self._model, longest + self._max_new_tokens), prefill_tokens(self._model) // longest))
        rows = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        while True:
            try:
                return self._prefill(rows, longest)
            except RuntimeError as error:
                if len(rows) == 1 or not is_out_of_memory(error):
                    raise
            # Outside of the block above, which keeps the frames of the failed pass in memory.
            rows, later = rows[: len(rows) // 2], rows[len(rows) // 2 :]
            self._waiting.extendleft(reversed(later))

    def _prefill(self, rows: list[Row], longest: int) -> DecodingBatch:
        import torch

        ids = torch.tensor([[0] * (longest - len(row.prompt)) + row.prompt for row in rows], device=self._model.device)
        mask = torch.tensor([[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in rows], device=self._model.device)
        cache = preallocated(self._model.config, longest + self._max_new_tokens)
        logits = last_logits(self._model, ids, mask, (mask.cumsum(1) - 1).clamp(min=0), cache)
        return DecodingBatch(rows, logits, cache, mask)
