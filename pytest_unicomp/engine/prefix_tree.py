"""Finds what token sequences share: a `Block` of trees that begin alike, a `Tree` whose branches differ only after a common trunk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Tokens = tuple[int, ...]

# What a shared beginning must save, in tokens, to be worth a forward pass of its own, and how long it must be at least.
WORTH_A_PASS, SHORTEST = 512, 16
# Tokens of all branches of a tree together at most: each looks at the places of all, though it sees only its own.
WIDEST = 1024


@dataclass(frozen=True)
class Reading:
    """A sequence to be read once: at least one token; logits are wanted from position `start` on, 0 <= start < len(tokens)."""

    tokens: Tokens
    start: int


@dataclass(frozen=True)
class Tree:
    """Readings (by place) that begin with the same `trunk` tokens, at least one; what each has beyond them is its branch, perhaps empty."""

    trunk: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """Trees whose first `shared` tokens are the same: fewer than any trunk, none of them wanted; 0 where nothing worth sharing was found."""

    shared: int
    trees: tuple[Tree, ...]


def blocks(readings: Sequence[Reading]) -> list[Block]:
    """Return blocks that hold every reading once. Equal sequences should be given once: they would be read twice."""
    trees = _by_context(readings)
    ends = [readings[tree.places[0]].tokens[: _limit(tree, readings)] for tree in trees]
    found: list[Block] = []
    alone: list[Tree] = []
    for first, last, shared in runs(ends):
        run = _merged(trees[first:last], readings, shared)
        if shared:
            found.append(Block(shared, tuple(run)))
        else:
            alone += run
    return [*found, *([Block(0, tuple(alone))] if alone else [])]


def common(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return how many tokens (or characters) two sequences share at their beginning, found by halving: slices compare quickly."""
    low, high = 0, min(len(first), len(second))
    if first[:high] == second[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low


def runs(sequences: Sequence[Tokens]) -> list[tuple[int, int, int]]:
    """Divide sorted sequences into runs (first, last + 1, tokens shared) so that sharing saves most; a run of its own shares 0.

    The spans that share a beginning form a tree (that of the longest common prefixes of neighbours): each is shared as a whole or as its parts.
    """
    stack = [_Span(0, 0)]
    chosen: list[tuple[int, int, int]] = []
    depths = [common(left, right) for left, right in pairwise(sequences)]
    for number, depth in enumerate([*depths, 0]):
        first = number
        below: list[_Span] = []
        while stack[-1].depth > depth:
            span = stack.pop()
            span.saved += sum(part.saved for part in below)
            span.divided += [run for part in below for run in part.divided]
            whole = (number - span.first) * span.depth
            if span.depth >= SHORTEST and whole >= max(WORTH_A_PASS, span.saved):
                span.saved, span.divided = whole, [(span.first, number + 1, span.depth)]
            below = [span]
            first = span.first
        if stack[-1].depth < depth:
            stack.append(_Span(depth, first))
        stack[-1].saved += sum(part.saved for part in below)
        stack[-1].divided += [run for part in below for run in part.divided]
    position = 0
    for start, end, shared in sorted(stack[0].divided):
        if start > position:
            chosen.append((position, start, 0))
        chosen.append((start, end, shared))
        position = end
    if position < len(sequences):
        chosen.append((position, len(sequences), 0))
    return chosen


def _limit(tree: Tree, readings: Sequence[Reading]) -> int:
    """Return how much of a tree's trunk a block may take: no position whose logits are wanted, and one token stays."""
    return min(tree.trunk - 1, *(readings[place].start for place in tree.places))


def _branches(places: Sequence[int], trunk: int, readings: Sequence[Reading]) -> int:
    return sum(len(readings[place].tokens) - trunk for place in places)


def _by_context(readings: Sequence[Reading]) -> list[Tree]:
    """Put readings with one context together: those that share all that comes before what is wanted of either. Sorted by their tokens."""
    trees: list[Tree] = []
    for place in sorted(range(len(readings)), key=lambda place: readings[place].tokens):
        reading = readings[place]
        if trees:
            last = trees[-1]
            first = readings[last.places[0]]
            shared = common(first.tokens[: last.trunk], reading.tokens)
            fits = _branches((*last.places, place), shared, readings) <= WIDEST
            if fits and shared > max(reading.start, *(readings[other].start for other in last.places)):
                trees[-1] = Tree(shared, (*last.places, place))
                continue
        trees.append(Tree(len(reading.tokens), (place,)))
    return trees


def _merged(trees: Sequence[Tree], readings: Sequence[Reading], shared: int) -> list[Tree]:
    """Join neighbours (sorted) that have more in common beyond `shared` than apart, as contexts that differ in their last words have."""
    joined: list[Tree] = []
    for tree in trees:
        if joined:
            last = joined[-1]
            tokens = readings[tree.places[0]].tokens
            trunk = common(readings[last.places[0]].tokens[: last.trunk], tokens[: tree.trunk])
            apart = max(len(readings[place].tokens) for place in (*last.places, *tree.places)) - trunk
            if trunk - shared > apart and _branches((*last.places, *tree.places), trunk, readings) <= WIDEST:
                joined[-1] = Tree(trunk, (*last.places, *tree.places))
                continue
        joined.append(tree)
    return joined


@dataclass
class _Span:
    """Sorted sequences first to last that share `depth` tokens, with the best way found to divide them: runs and what those save."""

    depth: int
    first: int
    saved: int = 0
    divided: list[tuple[int, int, int]] = field(default_factory=list)
