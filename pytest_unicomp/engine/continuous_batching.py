"""Continuous batching: waiting prompts are prefilled and join the rows in decoding as soon as there is room.

Rows that share a prefix form batches of their own if they are many: its keys and values are then kept once and read once per step, in place of
once per row. All others are decoded together, each with a copy of what it shares.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from pytest_unicomp.engine.decoding_batch import DecodingBatch, Row, max_rows, prefill_tokens
from pytest_unicomp.engine.kv_cache import CacheSlice, concat
from pytest_unicomp.engine.model_probe import Capabilities
from pytest_unicomp.engine.out_of_memory import is_out_of_memory
from pytest_unicomp.engine.prefill import Prefilled, Prefiller, PromptGroup, group_prompts, plan_batches

# Waiting prompts are added once at most this share of the possible rows is taken: each addition copies the KV cache.
REFILL_BELOW = 0.5
# Fewer rows with one prefix are decoded beside the other rows: small batches cost more than copies of a prefix.
MIN_ROWS_OF_A_PREFIX = 8


def continuous_batches(model: Any, capabilities: Capabilities, rows: Sequence[Row], max_new_tokens: int) -> Iterator[ContinuousBatches]:
    """Yield the batches of each prefix that many rows share, then those of all other rows; together they contain every row once.

    The last ones must be decoded before the next are taken.
    """
    assert capabilities.lm_head is not None
    prompts = [row.prompt for row in rows]
    prefiller = Prefiller(model, capabilities.lm_head, capabilities.attention, prompts, max_new_tokens)
    together: list[PromptGroup] = []
    for group in group_prompts(prompts):
        if group.prefix_length and capabilities.attention == "cascade" and len(group.indices) >= MIN_ROWS_OF_A_PREFIX:
            yield ContinuousBatches(model, prefiller, rows, [group], max_new_tokens, prefix_length=group.prefix_length)
        else:
            together.append(group)
    if together:
        yield ContinuousBatches(model, prefiller, rows, together, max_new_tokens)


class ContinuousBatches:
    """The batches of some groups of rows, one in decoding at a time. If all share their first `prefix_length` tokens, those are kept once."""

    def __init__(
        self,
        model: Any,
        prefiller: Prefiller,
        rows: Sequence[Row],
        groups: Sequence[PromptGroup],
        max_new_tokens: int,
        *,
        prefix_length: int = 0,
    ) -> None:
        """Take the `rows` that the groups index; a `prefix_length` above 0 needs one group with that prefix, and cascade attention."""
        self._model, self._prefiller, self._rows = model, prefiller, rows
        self._max_new_tokens, self._prefix_length = max_new_tokens, prefix_length
        prompts = [row.prompt for row in rows]
        self._waiting = deque(plan_batches(prompts, groups, self._max_rows, prefill_tokens(model)))

    def _max_rows(self, length: int) -> int:
        """Return how many rows fit into memory if the longest prompt has `length` tokens."""
        return max_rows(self._model, length - self._prefix_length + self._max_new_tokens)

    def refill(self, batch: DecodingBatch | None) -> DecodingBatch | None:
        """Return the batch, with as many waiting prompts as fit once it is half empty; None if no row is left."""
        if not self._waiting:
            return batch
        if batch is not None and len(batch.rows) > REFILL_BELOW * self._max_rows(self._prefix_length + batch.mask.shape[1]):
            return batch
        used = None if batch is None else batch.mask.any(0).nonzero()[:, 0]
        prefilled = self._prefill_waiting(
            *((0, 0) if batch is None or used is None else (len(batch.rows), self._prefix_length + len(used)))
        )
        return self._joined(batch, used, prefilled) if prefilled else batch

    def _prefill_waiting(self, count: int, longest: int) -> list[Prefilled]:
        """Prefill waiting prompts as long as they fit into memory with `count` active rows of at most `longest` tokens."""
        prefilled: list[Prefilled] = []
        while self._waiting:
            indices = self._waiting[0].indices
            count, longest = count + len(indices), max(longest, *(len(self._rows[index].prompt) for index in indices))
            if count > self._max_rows(longest):
                break
            one = self._waiting.popleft()
            try:
                prefilled.append(self._prefiller.prefill(one))
                continue
            except RuntimeError as error:
                if (len(one.indices) == 1 and count == 1) or not is_out_of_memory(error):
                    raise
            # Outside of the block above, which keeps the frames of the failed pass in memory.
            count -= len(one.indices)
            half = len(one.indices) // 2
            parts = [part for part in (one.indices[:half], one.indices[half:]) if part]
            self._waiting.extendleft(replace(one, indices=part) for part in reversed(parts))
            if len(one.indices) == 1:
                # It is read once the rows before it have ended.
                break
        return prefilled

    def _joined(self, batch: DecodingBatch | None, used: Any, prefilled: Sequence[Prefilled]) -> DecodingBatch:
        """Return one batch of the rows in decoding, of whose cache the columns `used` are needed, and of those just prefilled."""
        import torch

        rows, logits = [self._rows[index] for one in prefilled for index in one.indices], [one.logits for one in prefilled]
        slices, masks = [one.cache for one in prefilled], [one.mask[:, self._prefix_length :] for one in prefilled]
        prefix = None
        if self._prefix_length:
            prefix, slices = prefilled[0].prefix, [replace(part, prefix=None) for part in slices]
        elif batch is None and len(slices) == 1 and slices[0].prefix is None:
            return DecodingBatch(rows, logits[0], slices[0].cache, masks[0])
        if batch is not None:
            slices.insert(0, CacheSlice(batch.cache, used))
            rows, logits, masks = [*batch.rows, *rows], [batch.logits, *logits], [batch.mask[:, used], *masks]
        longest = max(mask.shape[1] for mask in masks)
        mask = torch.cat([torch.nn.functional.pad(mask, (0, longest - mask.shape[1])) for mask in masks])
        cache = concat(self._model.config, slices, longest, longest + self._max_new_tokens)
        return DecodingBatch(rows, torch.cat(logits), cache, mask, prefix)
