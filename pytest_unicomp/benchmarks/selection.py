"""Picks the items of a limited run: a seeded order, so that the items of a smaller limit are the first of those of a larger one."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable


def select(ids: Iterable[str], *, limit: int | None, seed: int, only: Collection[str] | None = None) -> list[str]:
    """Return the first `limit` of the ids (None = all) in the order of sha256("seed:id"), and of those the ones in `only` (None = all).

    The place of an id depends on itself and the seed alone, so neither the limit nor the order in which the ids are listed matters.
    """
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    limited = ordered if limit is None else ordered[:limit]
    return limited if only is None else [name for name in limited if name in only]
