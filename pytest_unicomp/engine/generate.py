"""Generates texts with continuous batching: finished rows leave the batch, and waiting prompts take their place. Sampling is seeded per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from pytest_unicomp.engine.context_limits import attention_window, rope_regime
from pytest_unicomp.engine.continuous_batching import continuous_batches
from pytest_unicomp.engine.decoding_batch import DecodingBatch, Row, last_logits
from pytest_unicomp.engine.kv_cache import can_concat
from pytest_unicomp.engine.model_probe import Capabilities
from pytest_unicomp.engine.packed_linear import packed
from pytest_unicomp.engine.sampling import Sampler
from pytest_unicomp.engine.static_batching import StaticBatches
from pytest_unicomp.engine.unbatched import generate_unbatched

# Finished rows are removed once at most this share of a batch is unfinished: each removal copies the KV cache of the other rows.
COMPACT_BELOW = 0.85
# Packing the weights takes about as long as ten steps gain.
MIN_STEPS_TO_PACK = 16

OnText = Callable[[int, list[int]], None]


@dataclass(frozen=True)
class StopConditions:
    """A row ends with one of the token ids `end_tokens`, after `max_new_tokens`, or if `stop_found` returns True for the ids generated so far."""

    end_tokens: frozenset[int]
    max_new_tokens: int
    stop_found: Callable[[list[int]], bool] | None = None


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
        Row(index, list(prompt), [], sampler.random_numbers(prompt, number, stop.max_new_tokens))
        for index, (prompt, number) in enumerate(zip(prompts, numbers, strict=True))
    ]
    batched, unbatched = _by_rope_regime(model, rows, stop.max_new_tokens)
    with torch.inference_mode():
        for regime, some in batched.items():
            pack = nullcontext() if stop.max_new_tokens < MIN_STEPS_TO_PACK else packed(model)
            with capabilities.attention_enabled(model), pack:
                continuous = regime == 0 and _can_batch_continuously(model, capabilities)
                limit = stop.max_new_tokens
                for batches in continuous_batches(model, capabilities, some, limit) if continuous else [StaticBatches(model, some, limit)]:
                    batch = batches.refill(None)
                    while batch is not None:
                        # Two statements: the old batch must be freed before new prompts are prefilled.
                        batch = _decode_step(model, batch, stop, sampler, on_text)
                        batch = batches.refill(batch)
        for row in unbatched:
            _generate_unbatched(model, row, stop, sampler, on_text)


def _by_rope_regime(model: Any, rows: Sequence[Row], max_new_tokens: int) -> tuple[dict[int, list[Row]], list[Row]]:
    """Return the rows that stay in one RoPE regime, by regime, and those that may cross into another, the longest first."""
    regime = rope_regime(model)
    batched: dict[int, list[Row]] = {}
    unbatched: list[Row] = []
    for row in rows:
        before = regime(len(row.prompt))
        (batched.setdefault(before, []) if before == regime(len(row.prompt) + max_new_tokens) else unbatched).append(row)
    return batched, sorted(unbatched, key=lambda row: (-len(row.prompt), row.prompt))


def _can_batch_continuously(model: Any, capabilities: Capabilities) -> bool:
    """Return True if rows may have gaps: a sliding window that counts columns of the cache would count the gaps too."""
    usable = capabilities.lm_head is not None and capabilities.reason is None
    return usable and attention_window(model) is None and can_concat(model.config)


def _generate_unbatched(model: Any, row: Row, stop: StopConditions, sampler: Sampler, on_text: OnText) -> None:
    # transformers applies the repetition penalty of the generation_config itself.
    without_penalty = replace(sampler, repetition_penalty=1.0)

    def next_token(scores: Any) -> tuple[int, bool]:
        token = int(without_penalty.sample(scores, [row]))
        return token, _append(row, token, stop, on_text)

    generate_unbatched(model, row.prompt, stop.max_new_tokens, next_token)


def _append(row: Row, token: int, stop: StopConditions, on_text: OnText) -> bool:
    """Append a token to a row; return True if it was the last."""
    row.generated.append(token)
    at_limit = len(row.generated) >= stop.max_new_tokens
    row.finished = token in stop.end_tokens or at_limit or bool(stop.stop_found and stop.stop_found(row.generated))
    if row.finished:
        on_text(row.index, row.generated)
    return row.finished


def _decode_step(model: Any, batch: DecodingBatch, stop: StopConditions, sampler: Sampler, on_text: OnText) -> DecodingBatch | None:
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
    before = 0 if batch.prefix is None else batch.prefix.length
    positions = (before + mask.sum(1, keepdim=True)).clamp(max=last)
    mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    logits = last_logits(model, tokens[:, None], mask, positions, batch.cache, batch.prefix)
    return replace(batch, rows=rows, logits=logits, mask=mask)
