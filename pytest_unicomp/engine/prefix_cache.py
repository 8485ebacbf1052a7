"""A beginning that many rows share: read once, as one row, and then seen by every row of a batch without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.attention import Way, folded
from pytest_unicomp.engine.kv_cache import beside, spread
from pytest_unicomp.engine.lm_head import Head


@dataclass(frozen=True)
class Prefix:
    """The keys and values of a beginning of `tokens` tokens, one row; `way` is how a batch sees them."""

    cache: Any
    tokens: int
    way: Way

    @classmethod
    def read(cls, model: Any, head: Head, tokens: Sequence[int], way: Way, piece_size: int | None = None) -> Prefix:
        """Read a beginning of at least one token, in pieces of at most `piece_size` tokens (default: as memory allows)."""
        from transformers import DynamicCache

        cache = DynamicCache()
        chunked_prefill.read(model, head, tokens, cache, piece_size)
        return cls(cache, len(tokens), way)

    @property
    def held(self) -> int:
        """How many of its tokens stand in a batch's own cache and mask: none where attention to them is computed apart."""
        return 0 if self.way == "folded" else self.tokens

    def seen(self, rows: int) -> Any:
        """Return the cache that a batch of `rows` rows is given."""
        return beside(self.cache) if self.way == "folded" else spread(self.cache, rows)

    def _attending(self, model: Any, rows: Sequence[int], columns: Sequence[int]) -> AbstractContextManager[None]:
        return folded(model, self.cache, (rows, columns)) if self.way == "folded" else nullcontext()


@contextmanager
def behind(model: Any, head: Head, prefix: Prefix | None, rows: Sequence[int], columns: Sequence[int]) -> Iterator[None]:
    """Within the block a batch is read behind `prefix` (None: from its beginning), of which nothing but positions (row, column) is asked."""
    with head.reading(rows, columns), nullcontext() if prefix is None else prefix._attending(model, rows, columns):
        yield
