"""Divides the parameters of a model into parts: decoder blocks, groups of adjacent blocks, and all weights outside them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

OUTSIDE = "outside the blocks"

# Part -> names of its parameters.
Parts = Mapping[str, Sequence[str]]


def outside(names: Sequence[str], prefix: str) -> Parts:
    """Return the parameters that belong to no decoder block of the list `prefix`: embeddings, final norm, output layer."""
    found = [name for name in names if not name.startswith(f"{prefix}.")]
    return {OUTSIDE: found} if found else {}


def grouped(names: Sequence[str], prefix: str, blocks: Sequence[int], groups: int) -> dict[str, list[str]]:
    """Divide these blocks (numbered from 0) into at most so many groups of adjacent ones, as equal in size as possible; names count from 1."""
    groups = min(groups, len(blocks))
    ends = [len(blocks) * place // groups for place in range(groups + 1)]
    found = {}
    for first, end in itertools.pairwise(ends):
        own = blocks[first:end]
        starts = tuple(f"{prefix}.{block}." for block in own)
        title = f"block {own[0] + 1}" if len(own) == 1 else f"blocks {own[0] + 1} to {own[-1] + 1}"
        found[title] = [name for name in names if name.startswith(starts)]
    return found


def members(blocks: Sequence[int], groups: int, place: int) -> Sequence[int]:
    """Return the blocks of the group at this place, as `grouped` divides them."""
    groups = min(groups, len(blocks))
    return blocks[len(blocks) * place // groups : len(blocks) * (place + 1) // groups]
