"""Prefix cache: the KV cache of a token prefix is computed once, as one row, and every row of a batch uses it without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.attention import AttentionKind, cascade
from pytest_unicomp.engine.kv_cache import expand, side_by_side
from pytest_unicomp.engine.lm_head import LMHead


@dataclass(frozen=True)
class CachedPrefix:
    """The KV cache of a prefix of `length` tokens, one row; `attention` is how the rows of a batch attend to it."""

    cache: Any
    length: int
    attention: AttentionKind

    @classmethod
    def prefill(
        cls, model: Any, lm_head: LMHead, tokens: Sequence[int], attention: AttentionKind, chunk_size: int | None = None
    ) -> CachedPrefix:
        """Run a prefix of at least one token through the model, in chunks of at most `chunk_size` tokens (None: as many as memory allows)."""
        from transformers import DynamicCache

        cache = DynamicCache()
        chunked_prefill.prefill(model, lm_head, tokens, cache, chunk_size)
        return cls(cache, len(tokens), attention)

    @property
    def columns_in_batch(self) -> int:
        """Return the number of prefix tokens that occupy columns of the batch's KV cache and mask: 0 with cascade attention, which stores the prefix once."""
        return 0 if self.attention == "cascade" else self.length

    def batch_cache(self, rows: int) -> Any:
        """Return the cache with which a batch of `rows` rows continues after this prefix."""
        return side_by_side(self.cache) if self.attention == "cascade" else expand(self.cache, rows)

    def attending(self, model: Any, selected: tuple[Sequence[int], Sequence[int]] | None = None) -> AbstractContextManager[None]:
        """Return the block within which the model's rows attend to this prefix; only outputs at `selected` (rows, columns) are read, None: all."""
        return cascade(model, self.cache, selected) if self.attention == "cascade" else nullcontext()


@contextmanager
def after_prefix(model: Any, lm_head: LMHead, prefix: CachedPrefix | None, rows: Sequence[int], columns: Sequence[int]) -> Iterator[None]:
    """Run the model, within the block, on a batch that continues after `prefix` (None: no prefix), with logits at positions (row, column) alone."""
    with lm_head.at_positions(rows, columns), nullcontext() if prefix is None else prefix.attending(model, (rows, columns)):
        yield
