"""Prefill of prompts before generation: a prefix that several prompts share is computed once, and the rest in batches of similar length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.attention import AttentionKind
from pytest_unicomp.engine.kv_cache import CacheSlice, preallocated
from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.malloc_trim import trim_after
from pytest_unicomp.engine.prefix_cache import CachedPrefix, after_prefix
from pytest_unicomp.engine.prefix_tree import shared_prefix_runs


@dataclass(frozen=True)
class PrefillBatch:
    """Prompts (by index) for one forward pass. They share their first `prefix_length` tokens, and each has at least one token more."""

    prefix_length: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Prefilled:
    """The result for one batch: `logits` of each prompt's last token, shape (prompts, vocabulary), and the KV cache of the prompts.

    `mask` has shape (prompts, tokens), prefix included: 1 for a token, 0 for padding. `prefix` is what the prompts share, if it was computed once.
    """

    indices: tuple[int, ...]
    logits: Any
    cache: CacheSlice
    mask: Any
    prefix: CachedPrefix | None = None


@dataclass(frozen=True)
class PromptGroup:
    """Prompts (by index, the longest first) whose first `prefix_length` tokens are equal and worth a pass of their own; 0 if nothing is shared."""

    prefix_length: int
    indices: tuple[int, ...]


def group_prompts(prompts: Sequence[Sequence[int]]) -> list[PromptGroup]:
    """Divide prompts of at least one token by the prefix that they share; the group with the longest prompt comes first."""
    order = sorted(range(len(prompts)), key=lambda index: tuple(prompts[index]))
    groups: list[tuple[int, list[int]]] = []
    unshared: list[int] = []
    for first, end, prefix_length in shared_prefix_runs([tuple(prompts[index][:-1]) for index in order]):
        if prefix_length:
            groups.append((prefix_length, order[first:end]))
        else:
            unshared += order[first:end]
    everything = [*groups, *([(0, unshared)] if unshared else [])]
    by_length = [(prefix_length, sorted(indices, key=lambda index: -len(prompts[index]))) for prefix_length, indices in everything]
    longest_first = sorted(by_length, key=lambda group: -len(prompts[group[1][0]]))
    return [PromptGroup(prefix_length, tuple(indices)) for prefix_length, indices in longest_first]


def plan_batches(
    prompts: Sequence[Sequence[int]], groups: Sequence[PromptGroup], max_rows: Callable[[int], int], max_tokens: int
) -> list[PrefillBatch]:
    """Divide the prompts of some groups into batches that contain each of them once.

    A batch has one row, or at most `max_tokens` tokens after the prefix, padding included, and at most `max_rows(length)` rows (at least 1), where
    `length` is that of its longest prompt. Batches with the same prefix follow each other. The longest come first, so that a lack of memory shows
    at once.
    """
    batches: list[PrefillBatch] = []
    for group in groups:
        start = 0
        while start < len(group.indices):
            length = len(prompts[group.indices[start]])
            rows = max(1, min(max_rows(length), max_tokens // (length - group.prefix_length)))
            batches.append(PrefillBatch(group.prefix_length, group.indices[start : start + rows]))
            start += rows
    return batches


class Prefiller:
    """Runs batches one after another, and keeps the cached prefix of the last one for the next."""

    def __init__(
        self, model: Any, lm_head: LMHead, attention: AttentionKind, prompts: Sequence[Sequence[int]], max_new_tokens: int
    ) -> None:
        """Take a model that can share prefixes (`model_probe`), the prompts that batches index, and how many tokens each may generate at most."""
        self._model, self._lm_head, self._attention = model, lm_head, attention
        self._prompts, self._max_new_tokens = prompts, max_new_tokens
        self._prefix_tokens: tuple[int, ...] = ()
        self._prefix: CachedPrefix | None = None

    def prefill(self, batch: PrefillBatch) -> Prefilled:
        """Run one batch: rows are padded on the right, and each attends to the shared prefix and to its own earlier tokens."""
        import torch

        self._cache_prefix(tuple(self._prompts[batch.indices[0]][: batch.prefix_length]))
        prefix, device = self._prefix, self._model.device
        suffixes = [list(self._prompts[index][batch.prefix_length :]) for index in batch.indices]
        longest = max(map(len, suffixes))
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in suffixes], device=device)
        cache = preallocated(self._model.config, longest + self._max_new_tokens) if prefix is None else prefix.batch_cache(len(suffixes))
        if prefix is None and len(suffixes) == 1:
            output = chunked_prefill.prefill(self._model, self._lm_head, suffixes[0], cache)
        else:
            rows, ends = range(len(suffixes)), [len(tokens) - 1 for tokens in suffixes]
            with after_prefix(self._model, self._lm_head, prefix, rows, ends):
                output = self._model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        logits = self._lm_head.logits(output)
        mask = torch.tensor(
            [[1] * (batch.prefix_length + len(tokens)) + [0] * (longest - len(tokens)) for tokens in suffixes], device=device
        )
        del output
        trim_after(self._model, ids.numel())
        columns = slice(0 if prefix is None else prefix.columns_in_batch, None)
        return Prefilled(batch.indices, logits, CacheSlice(cache, columns, prefix and prefix.cache), mask, prefix)

    def _cache_prefix(self, tokens: tuple[int, ...]) -> None:
        if tokens != self._prefix_tokens:
            self._prefix = CachedPrefix.prefill(self._model, self._lm_head, tokens, self._attention) if tokens else None
            self._prefix_tokens = tokens
