"""Picks the items of a limited run: a seeded order, so that the items of a smaller limit are the first of those of a larger one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def select(ids: Iterable[str], *, limit: int | None, seed: int) -> list[str]:
    """Return the first `limit` of the ids (None = all) in the order of sha256("seed:id").

    The place of an id depends on itself and the seed alone, so neither the limit nor the order in which the ids are listed matters.
    """
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    return ordered if limit is None else ordered[:limit]
