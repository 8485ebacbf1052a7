"""Generates texts with continuous batching: finished rows leave the batch, and waiting prompts take their place. Sampling is seeded per row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_unicomp.engine.context_limits import attention_window, rope_regime
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.kv_cache import CacheSlice, can_concat, concat, preallocated
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.model_probe import Capabilities
from pytest_unicomp.engine.out_of_memory import is_out_of_memory
from pytest_unicomp.engine.prefill import Prefilled, Prefiller, plan_batches
from pytest_unicomp.engine.sampling import Sampler
from pytest_unicomp.engine.unbatched import generate_unbatched

# Most bytes of one batch's KV cache and of one pass's activations, and most rows of a batch: more do not make the matrix products faster.
BATCH_BYTES = {"cpu": 2**28, "cuda": 2**33}
BATCH_ROWS = {"cpu": 128, "cuda": 256}
# Most prompt tokens in one prefill pass: on a CPU, the activations of more no longer fit into the processor's cache.
PREFILL_TOKENS = {"cpu": 4_096, "cuda": 65_536}
# Finished rows are removed once at most this share of a batch is unfinished: each removal copies the KV cache of the other rows.
COMPACT_BELOW = 0.85
# Waiting prompts are added once at most this share of the possible rows is taken: each addition copies the KV cache, too.
REFILL_BELOW = 0.5

OnText = Callable[[int, list[int]], None]


@dataclass(frozen=True)
class StopConditions:
    """A row ends with one of the token ids `end_tokens`, after `max_new_tokens`, or if `stop_found` returns True for the ids generated so far."""

    end_tokens: frozenset[int]
    max_new_tokens: int
    stop_found: Callable[[list[int]], bool] | None = None


@dataclass
class _Row:
    index: int
    prompt: list[int]
    generated: list[int]
    random_numbers: Any = None
    prompt_ids: Any = None
    finished: bool = False


@dataclass
class _Batch:
    """Rows in decoding: `logits` of the next token, (rows, vocabulary), the KV `cache`, and its `mask`, (rows, columns), 1 for a token, 0 for none."""

    rows: list[_Row]
    logits: Any
    cache: Any
    mask: Any


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    stop: StopConditions,
    *,
    capabilities: Capabilities,
    sampler: Sampler,
    ordinals: Sequence[int] | None = None,
    on_text: OnText,
) -> None:
    """Call `on_text(index, new token ids)` once per prompt (at least one token id), in the order in which the texts end.

    `ordinals` gives, per prompt, how many equal requests came before (default: none). A row's random numbers depend on its prompt, its ordinal
    and the sampler's seed alone, so that neither its batch nor the order of the prompts changes the text. An end token is included in the ids.
    """
    import torch

    numbers = ordinals if ordinals is not None else [0] * len(prompts)
    rows = [
        _Row(index, list(prompt), [], sampler.random_numbers(prompt, number, stop.max_new_tokens))
        for index, (prompt, number) in enumerate(zip(prompts, numbers, strict=True))
    ]
    batched, unbatched = _by_rope_regime(model, rows, stop.max_new_tokens)
    with torch.inference_mode():
        for regime, some in batched.items():
            with capabilities.attention_enabled(model):
                continuous = regime == 0 and _can_batch_continuously(model, capabilities)
                batches = (_ContinuousBatch if continuous else _StaticBatch)(model, capabilities, some, stop.max_new_tokens)
                batch = batches.refill(None)
                while batch is not None:
                    # Two statements: the old batch must be freed before new prompts are prefilled.
                    batch = _decode_step(model, batch, stop, sampler, on_text)
                    batch = batches.refill(batch)
        for row in unbatched:
            _generate_unbatched(model, row, stop, sampler, on_text)


def _by_rope_regime(model: Any, rows: Sequence[_Row], max_new_tokens: int) -> tuple[dict[int, list[_Row]], list[_Row]]:
    """Return the rows that stay in one RoPE regime, by regime, and those that may cross into another, the longest first."""
    regime = rope_regime(model)
    batched: dict[int, list[_Row]] = {}
    unbatched: list[_Row] = []
    for row in rows:
        before = regime(len(row.prompt))
        (batched.setdefault(before, []) if before == regime(len(row.prompt) + max_new_tokens) else unbatched).append(row)
    return batched, sorted(unbatched, key=lambda row: (-len(row.prompt), row.prompt))


def _can_batch_continuously(model: Any, capabilities: Capabilities) -> bool:
    """Return True if rows may have gaps: a sliding window that counts columns of the cache would count the gaps too."""
    usable = capabilities.lm_head is not None and capabilities.reason is None
    return usable and attention_window(model) is None and can_concat(model.config)


def _generate_unbatched(model: Any, row: _Row, stop: StopConditions, sampler: Sampler, on_text: OnText) -> None:
    # transformers applies the repetition penalty of the generation_config itself.
    without_penalty = replace(sampler, repetition_penalty=1.0)

    def next_token(scores: Any) -> tuple[int, bool]:
        token = int(without_penalty.sample(scores, [row]))
        return token, _append(row, token, stop, on_text)

    generate_unbatched(model, row.prompt, stop.max_new_tokens, next_token)


def _append(row: _Row, token: int, stop: StopConditions, on_text: OnText) -> bool:
    """Append a token to a row; return True if it was the last."""
    row.generated.append(token)
    at_limit = len(row.generated) >= stop.max_new_tokens
    row.finished = token in stop.end_tokens or at_limit or bool(stop.stop_found and stop.stop_found(row.generated))
    if row.finished:
        on_text(row.index, row.generated)
    return row.finished


def _decode_step(model: Any, batch: _Batch, stop: StopConditions, sampler: Sampler, on_text: OnText) -> _Batch | None:
    """Sample the next token of each row and run the model on it; return None if all rows have finished."""
    import torch

    tokens = sampler.sample(batch.logits, batch.rows)
    for row, token in zip(batch.rows, tokens.tolist(), strict=True):
        if not row.finished:
            _append(row, token, stop, on_text)
    unfinished = [number for number, row in enumerate(batch.rows) if not row.finished]
    if not unfinished:
        return None
    rows, mask = batch.rows, batch.mask
    if len(unfinished) <= COMPACT_BELOW * len(rows):
        kept = torch.tensor(unfinished, device=model.device)
        batch.cache.batch_select_indices(kept)
        mask, tokens = mask[kept], tokens[kept]
        rows = [rows[number] for number in unfinished]
    # A finished row that is still in the batch is decoded on, and its position must not exceed the model's context.
    last = max(len(row.prompt) + len(row.generated) - 1 for row in rows if not row.finished)
    positions = mask.sum(1, keepdim=True).clamp(max=last)
    mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    return _Batch(rows, _last_logits(model, tokens[:, None], mask, positions, batch.cache), batch.cache, mask)


class _ContinuousBatch:
    """Prefills waiting prompts, shared prefixes once, and adds them to the rows in decoding as soon as there is room."""

    def __init__(self, model: Any, capabilities: Capabilities, rows: Sequence[_Row], max_new_tokens: int) -> None:
        assert capabilities.lm_head is not None
        self._model, self._rows, self._max_new_tokens = model, rows, max_new_tokens
        prompts = [row.prompt for row in rows]
        self._prefiller = Prefiller(model, capabilities.lm_head, capabilities.attention, prompts, max_new_tokens)
        self._waiting = deque(plan_batches(prompts, self._max_rows, _prefill_tokens(model)))

    def _max_rows(self, length: int) -> int:
        return _max_rows(self._model, length + self._max_new_tokens)

    def refill(self, batch: _Batch | None) -> _Batch | None:
        """Return the batch, with as many waiting prompts as fit once it is half empty; None if no row is left."""
        if not self._waiting or (batch is not None and len(batch.rows) > REFILL_BELOW * self._max_rows(batch.mask.shape[1])):
            return batch
        used = None if batch is None else batch.mask.any(0).nonzero()[:, 0]
        prefilled = self._prefill_waiting(*((0, 0) if batch is None or used is None else (len(batch.rows), len(used))))
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

    def _joined(self, batch: _Batch | None, used: Any, prefilled: Sequence[Prefilled]) -> _Batch:
        """Return one batch of the rows in decoding, of whose cache the columns `used` are needed, and of those just prefilled."""
        import torch

        rows, logits = [self._rows[index] for one in prefilled for index in one.indices], [one.logits for one in prefilled]
        slices, masks = [one.cache for one in prefilled], [one.mask for one in prefilled]
        if batch is None and len(slices) == 1 and slices[0].prefix is None:
            return _Batch(rows, logits[0], slices[0].cache, masks[0])
        if batch is not None:
            slices.insert(0, CacheSlice(batch.cache, used))
            rows, logits, masks = [*batch.rows, *rows], [batch.logits, *logits], [batch.mask[:, used], *masks]
        longest = max(mask.shape[1] for mask in masks)
        mask = torch.cat([torch.nn.functional.pad(mask, (0, longest - mask.shape[1])) for mask in masks])
        cache = concat(self._model.config, slices, longest, longest + self._max_new_tokens)
        return _Batch(rows, torch.cat(logits), cache, mask)


class _StaticBatch:
    """Prefills each batch in one pass, padded on the left, and decodes it to its end before the next one."""

    def __init__(self, model: Any, capabilities: Capabilities, rows: Sequence[_Row], max_new_tokens: int) -> None:
        self._model, self._max_new_tokens = model, max_new_tokens
        self._waiting = deque(sorted(rows, key=lambda row: (-len(row.prompt), row.prompt)))

    def refill(self, batch: _Batch | None) -> _Batch | None:
        """Return the batch, or the next one if it has ended, halved until it fits into memory; None if no row is left."""
        if batch is not None or not self._waiting:
            return batch
        longest = len(self._waiting[0].prompt)
        count = max(1, min(_max_rows(self._model, longest + self._max_new_tokens), _prefill_tokens(self._model) // longest))
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

    def _prefill(self, rows: list[_Row], longest: int) -> _Batch:
        import torch

        ids = torch.tensor([[0] * (longest - len(row.prompt)) + row.prompt for row in rows], device=self._model.device)
        mask = torch.tensor([[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in rows], device=self._model.device)
        cache = preallocated(self._model.config, longest + self._max_new_tokens)
        logits = _last_logits(self._model, ids, mask, (mask.cumsum(1) - 1).clamp(min=0), cache)
        return _Batch(rows, logits, cache, mask)


def _max_rows(model: Any, tokens: int) -> int:
    """Return how many rows of `tokens` tokens fit into a batch, at least one."""
    kind = host.device_type(str(model.device))
    return max(1, min(BATCH_ROWS[kind], BATCH_BYTES[kind] // (bytes_per_token(model).kv_cache * tokens)))


def _prefill_tokens(model: Any) -> int:
    """Return how many prompt tokens go into one prefill pass, at least one; their activations must fit into BATCH_BYTES too."""
    kind = host.device_type(str(model.device))
    return max(1, min(PREFILL_TOKENS[kind], BATCH_BYTES[kind] // bytes_per_token(model).activations))


def _last_logits(model: Any, ids: Any, mask: Any, positions: Any, cache: Any) -> Any:
    """Return the logits of each row's last token, shape (rows, vocabulary)."""
    settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    return model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1]
