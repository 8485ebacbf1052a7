"""Finds the prefixes that token sequences share: a `PrefixGroup` has one prefix worth caching, and each `PackedTree` in it is one row of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Tokens = tuple[int, ...]

# A shared prefix gets a forward pass of its own if it is this long, and if sharing it saves this many tokens.
MIN_PREFIX_TOKENS, MIN_TOKENS_SAVED = 16, 512
# Most tokens in all branches of a tree together: attention computes scores between all of them, though the mask hides other branches.
MAX_BRANCH_TOKENS = 1024


@dataclass(frozen=True)
class TokenSequence:
    """At least one token; logits are needed at positions `logits_from` and later, 0 <= logits_from < len(tokens)."""

    tokens: Tokens
    logits_from: int


@dataclass(frozen=True)
class PackedTree:
    """Sequences (by index) that start with the same `trunk_length` tokens, at least one. The rest of each, perhaps empty, is its branch."""

    trunk_length: int
    indices: tuple[int, ...]


@dataclass(frozen=True)
class PrefixGroup:
    """Trees whose first `prefix_length` tokens are equal: fewer than any trunk has, and none whose logits are needed; 0 if nothing is worth sharing."""

    prefix_length: int
    trees: tuple[PackedTree, ...]


def group_by_prefix(sequences: Sequence[TokenSequence]) -> list[PrefixGroup]:
    """Return groups that contain every sequence exactly once. Pass equal sequences only once, or each of them is computed."""
    trees = _trees_by_context(sequences)
    shareable = [sequences[tree.indices[0]].tokens[: _shareable_length(tree, sequences)] for tree in trees]
    groups: list[PrefixGroup] = []
    unshared: list[PackedTree] = []
    for first, end, prefix_length in shared_prefix_runs(shareable):
        merged = _merge_neighbours(trees[first:end], sequences, prefix_length)
        if prefix_length:
            groups.append(PrefixGroup(prefix_length, tuple(merged)))
        else:
            unshared += merged
    return [*groups, *([PrefixGroup(0, tuple(unshared))] if unshared else [])]


def common_prefix_length(first: Sequence[Any], second: Sequence[Any]) -> int:
    """Return how many leading tokens (or characters) two sequences have in common, by bisection: comparing slices is fast."""
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


def shared_prefix_runs(sequences: Sequence[Tokens]) -> list[tuple[int, int, int]]:
    """Divide sorted sequences into runs (first, end, prefix length) whose sharing saves the most tokens; prefix length 0 means not shared.

    Spans with a common prefix form a tree (from the longest common prefixes of neighbours): each span is shared as a whole, or as its parts.
    """
    stack = [_PrefixSpan(0, 0)]
    depths = [common_prefix_length(left, right) for left, right in pairwise(sequences)]
    for number, depth in enumerate([*depths, 0]):
        first = number
        children: list[_PrefixSpan] = []
        while stack[-1].prefix_length > depth:
            span = stack.pop()
            span.saved += sum(child.saved for child in children)
            span.runs += [run for child in children for run in child.runs]
            saved_as_whole = (number - span.first) * span.prefix_length
            if span.prefix_length >= MIN_PREFIX_TOKENS and saved_as_whole >= max(MIN_TOKENS_SAVED, span.saved):
                span.saved, span.runs = saved_as_whole, [(span.first, number + 1, span.prefix_length)]
            children = [span]
            first = span.first
        if stack[-1].prefix_length < depth:
            stack.append(_PrefixSpan(depth, first))
        stack[-1].saved += sum(child.saved for child in children)
        stack[-1].runs += [run for child in children for run in child.runs]
    return _with_gaps(sorted(stack[0].runs), len(sequences))


def _with_gaps(runs: Sequence[tuple[int, int, int]], count: int) -> list[tuple[int, int, int]]:
    """Return sorted runs with unshared runs between them, so that they cover 0 to `count`."""
    complete: list[tuple[int, int, int]] = []
    position = 0
    for start, end, prefix_length in runs:
        if start > position:
            complete.append((position, start, 0))
        complete.append((start, end, prefix_length))
        position = end
    if position < count:
        complete.append((position, count, 0))
    return complete


def _shareable_length(tree: PackedTree, sequences: Sequence[TokenSequence]) -> int:
    """Return how much of a tree's trunk a group's prefix may cover: no position whose logits are needed, and not the trunk's last token."""
    return min(tree.trunk_length - 1, *(sequences[index].logits_from for index in tree.indices))


def _branch_tokens(indices: Sequence[int], trunk_length: int, sequences: Sequence[TokenSequence]) -> int:
    return sum(len(sequences[index].tokens) - trunk_length for index in indices)


def _trees_by_context(sequences: Sequence[TokenSequence]) -> list[PackedTree]:
    """Return a tree for each context: sequences belong together if they share all tokens before the first whose logits are needed. Sorted by tokens."""
    trees: list[PackedTree] = []
    for index in sorted(range(len(sequences)), key=lambda index: sequences[index].tokens):
        sequence = sequences[index]
        if trees:
            last = trees[-1]
            first = sequences[last.indices[0]]
            shared = common_prefix_length(first.tokens[: last.trunk_length], sequence.tokens)
            fits = _branch_tokens((*last.indices, index), shared, sequences) <= MAX_BRANCH_TOKENS
            if fits and shared > max(sequence.logits_from, *(sequences[other].logits_from for other in last.indices)):
                trees[-1] = PackedTree(shared, (*last.indices, index))
                continue
        trees.append(PackedTree(len(sequence.tokens), (index,)))
    return trees


def _merge_neighbours(trees: Sequence[PackedTree], sequences: Sequence[TokenSequence], prefix_length: int) -> list[PackedTree]:
    """Merge sorted neighbours that share more tokens after the prefix than they differ in, such as contexts with different last words."""
    merged: list[PackedTree] = []
    for tree in trees:
        if merged:
            last = merged[-1]
            indices = (*last.indices, *tree.indices)
            tokens = sequences[tree.indices[0]].tokens
            trunk = common_prefix_length(sequences[last.indices[0]].tokens[: last.trunk_length], tokens[: tree.trunk_length])
            longest_branch = max(len(sequences[index].tokens) for index in indices) - trunk
            if trunk - prefix_length > longest_branch and _branch_tokens(indices, trunk, sequences) <= MAX_BRANCH_TOKENS:
                merged[-1] = PackedTree(trunk, indices)
                continue
        merged.append(tree)
    return merged


@dataclass
class _PrefixSpan:
    """Sorted sequences from number `first` on that share `prefix_length` tokens, with the best division into runs and the tokens it saves."""

    prefix_length: int
    first: int
    saved: int = 0
    runs: list[tuple[int, int, int]] = field(default_factory=list)
