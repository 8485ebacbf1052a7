"""Scores continuations of token sequences, with every shared prefix computed once: few-shot examples for all questions, a question for all options.

The prefix of a `PrefixGroup` is cached as one row. Each of the group's trees is then one row of a batch that continues after it: the trunk (the
rest of a context), then its branches (the options) side by side. An attention mask hides the branches from each other, and the positions of each
continue from the trunk, as in tree attention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.attention import AttentionKind
from pytest_unicomp.engine.context_limits import rope_regime
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.out_of_memory import is_out_of_memory
from pytest_unicomp.engine.prefix_cache import CachedPrefix, after_prefix
from pytest_unicomp.engine.prefix_tree import PackedTree, PrefixGroup, TokenSequence, group_by_prefix

# Most bytes of one batch (activations, KV cache and mask), and most tokens with padding: more is not faster, and a kill would lose more.
BATCH_BYTES = {"cpu": 2**28, "cuda": 2**32}
BATCH_TOKENS = {"cpu": 4096, "cuda": 131_072}
# A batch of this many tokens keeps the device busy. From then on a row is added only if it is at least this share of the longest row's length.
BUSY_TOKENS = {"cpu": 512, "cuda": 16_384}
MIN_FILLED_SHARE = 0.9


@dataclass(frozen=True)
class ScoringRequest:
    """The input `tokens`, and the `targets` to score under the logits of its last positions, one per position."""

    tokens: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Score:
    """`log_likelihood` is the sum of the targets' log-probabilities in nats; `greedy` is True if each was the likeliest token."""

    log_likelihood: float
    greedy: bool


OnScore = Callable[[int, Score], None]


def score(
    model: Any,
    lm_head: LMHead,
    requests: Sequence[ScoringRequest],
    indices: Sequence[int],
    on_score: OnScore,
    *,
    known: frozenset[int] = frozenset(),
    share_prefixes: bool = True,
    attention: AttentionKind = "transformers",
) -> None:
    """Call `on_score(index, score)` for the requests at `indices`, batch by batch; a batch that has only `known` requests is skipped.

    Every request has at least one target, and at least as many tokens as targets. Unless `share_prefixes`, every distinct sequence is a row of
    its own, computed from its first token.
    """
    distinct = distinct_sequences(requests, indices, known)
    if share_prefixes:
        groups = group_by_prefix(distinct.sequences)
    else:
        rows = tuple(PackedTree(len(sequence.tokens), (number,)) for number, sequence in enumerate(distinct.sequences))
        groups = [PrefixGroup(0, rows)]
    score_groups(model, lm_head, groups, distinct, on_score, attention)


@dataclass(frozen=True)
class DistinctSequences:
    """The distinct `sequences` of some `requests`, and for each sequence the `indices` of its requests; the scores of `known` requests exist already."""

    requests: Sequence[ScoringRequest]
    sequences: Sequence[TokenSequence]
    indices: Sequence[Sequence[int]]
    known: frozenset[int] = frozenset()


def distinct_sequences(
    requests: Sequence[ScoringRequest], indices: Iterable[int], known: frozenset[int] = frozenset()
) -> DistinctSequences:
    """Return each distinct token sequence of the requests at `indices` once."""
    found: dict[tuple[int, ...], list[int]] = {}
    for index in indices:
        found.setdefault(requests[index].tokens, []).append(index)
    sequences = [
        TokenSequence(tokens, len(tokens) - max(len(requests[index].targets) for index in members)) for tokens, members in found.items()
    ]
    return DistinctSequences(requests, sequences, list(found.values()), known)


def score_groups(
    model: Any,
    lm_head: LMHead,
    groups: Sequence[PrefixGroup],
    distinct: DistinctSequences,
    on_score: OnScore,
    attention: AttentionKind,
    chunk_size: int | None = None,
) -> None:
    """Score prefix groups of the distinct sequences as `score` does; prefixes are prefilled in chunks of at most `chunk_size` tokens."""
    for group in groups:
        rows = [_pack(group.prefix_length, tree, distinct) for tree in group.trees]
        prefix = None
        for batch in _batches(model, group.prefix_length, rows):
            if all(index in distinct.known for row in batch for _, index in row.targets):
                continue
            if group.prefix_length and prefix is None:
                tokens = distinct.sequences[group.trees[0].indices[0]].tokens[: group.prefix_length]
                prefix = CachedPrefix.prefill(model, lm_head, tokens, attention, chunk_size)
            waiting = [batch]
            while waiting:
                some = waiting.pop()
                try:
                    _score_batch(model, lm_head, prefix, some, distinct.requests, on_score)
                except RuntimeError as error:
                    if len(some) == 1 or not is_out_of_memory(error):
                        raise
                    waiting += [some[len(some) // 2 :], some[: len(some) // 2]]


@dataclass(frozen=True)
class _PackedRow:
    """A tree as a row after its prefix: `tokens`, their `positions` in the sequence, and `branches` (0 for the trunk, else the branch's number).

    `targets` has (column whose logits are needed, request index) once per target, in the order of each request's targets.
    """

    tokens: list[int]
    positions: list[int]
    branches: list[int]
    targets: list[tuple[int, int]]


def _pack(prefix_length: int, tree: PackedTree, distinct: DistinctSequences) -> _PackedRow:
    tokens = list(distinct.sequences[tree.indices[0]].tokens[prefix_length : tree.trunk_length])
    trunk = len(tokens)
    positions = list(range(prefix_length, tree.trunk_length))
    branches = [0] * trunk
    targets: list[tuple[int, int]] = []
    for branch, number in enumerate(tree.indices, 1):
        whole = distinct.sequences[number].tokens
        columns = [*range(trunk), *range(len(tokens), len(tokens) + len(whole) - tree.trunk_length)]
        tokens += whole[tree.trunk_length :]
        positions += range(tree.trunk_length, len(whole))
        branches += [branch] * (len(whole) - tree.trunk_length)
        for index in distinct.indices[number]:
            targets += [(column, index) for column in columns[-len(distinct.requests[index].targets) :]]
    return _PackedRow(tokens, positions, branches, targets)


def _batches(model: Any, prefix_length: int, rows: Sequence[_PackedRow]) -> Iterator[list[_PackedRow]]:
    """Divide rows into batches: the longest first, so that a lack of memory shows at once, and of similar length, so that there is little padding.

    The rows of a batch are in one RoPE regime.
    """
    regime = rope_regime(model)
    kind = host.device_type(str(model.device))
    sizes = bytes_per_token(model)
    batch: list[_PackedRow] = []
    longest = max_rows = 0
    for row in sorted(rows, key=lambda row: len(row.tokens), reverse=True):
        busy = len(batch) * longest >= BUSY_TOKENS[kind]
        other_regime = batch and regime(max(row.positions) + 1) != regime(max(batch[0].positions) + 1)
        if batch and (len(batch) == max_rows or other_regime or (busy and len(row.tokens) < MIN_FILLED_SHARE * longest)):
            yield batch
            batch = []
        if not batch:
            longest = len(row.tokens)
            columns = prefix_length + longest
            row_bytes = longest * (sizes.activations + columns * sizes.element) + columns * sizes.kv_cache
            max_rows = max(1, min(BATCH_TOKENS[kind] // longest, BATCH_BYTES[kind] // row_bytes))
        batch.append(row)
    if batch:
        yield batch


def _score_batch(
    model: Any,
    lm_head: LMHead,
    prefix: CachedPrefix | None,
    rows: Sequence[_PackedRow],
    requests: Sequence[ScoringRequest],
    on_score: OnScore,
) -> None:
    """Run one batch and report the score of each of its requests."""
    positions: dict[tuple[int, int], int] = {}
    numbers: list[int] = []
    indices: list[int] = []
    for row_number, row in enumerate(rows):
        for column, index in row.targets:
            numbers.append(positions.setdefault((row_number, column), len(positions)))
            indices.append(index)
    targets = [token for index in dict.fromkeys(indices) for token in requests[index].targets]
    row_numbers, columns = zip(*positions, strict=True)
    with after_prefix(model, lm_head, prefix, row_numbers, columns):
        logits = model(**_model_inputs(model, prefix, rows)).logits
    scores = lm_head.scores(logits, numbers, targets)
    start = 0
    for index in dict.fromkeys(indices):
        end = start + len(requests[index].targets)
        on_score(index, Score(sum(scores.log_probabilities[start:end]), all(scores.greedy[start:end])))
        start = end


def _model_inputs(model: Any, prefix: CachedPrefix | None, rows: Sequence[_PackedRow]) -> dict[str, Any]:
    """Return the arguments of the forward pass: rows padded on the right, the prefix's cache, and a mask if a row has branches."""
    import torch

    longest = max(len(row.tokens) for row in rows)

    def padded(lists: Iterable[list[int]], padding: int) -> Any:
        return torch.tensor([numbers + [padding] * (longest - len(numbers)) for numbers in lists])

    inputs: dict[str, Any] = {"input_ids": padded((row.tokens for row in rows), 0).to(model.device), "use_cache": prefix is not None}
    if prefix is not None:
        inputs["past_key_values"] = prefix.batch_cache(len(rows))
    if any(row.branches[-1] for row in rows):
        before = 0 if prefix is None else prefix.columns_in_batch
        branches = padded((row.branches for row in rows), -1)
        visible = ((branches[:, :, None] == branches[:, None, :]) | (branches[:, None, :] == 0)).tril_()
        mask = torch.zeros(len(rows), 1, longest, before + longest, dtype=model.dtype)
        mask[:, 0, :, before:].masked_fill_(~visible, torch.finfo(model.dtype).min)
        inputs["attention_mask"] = mask.to(model.device)
        inputs["position_ids"] = padded((row.positions for row in rows), 0).to(model.device)
    return inputs
