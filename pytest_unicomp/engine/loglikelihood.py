"""Scores continuations of token sequences with every shared beginning read once: a few-shot block for all its questions, a question for all its options.

A block is read with one row. Each of its trees then is one row of a batch, and all rows see the block's keys and values: first the trunk (the rest of a context),
then its branches (the options) side by side. An attention mask hides each branch from the others, and the positions of each go on from the trunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.attention import Way
from pytest_unicomp.engine.context_limits import sides
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.lm_head import Head
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.prefix_cache import Prefix, behind
from pytest_unicomp.engine.prefix_tree import Block, Reading, Tree, blocks

# Memory that one batch may take for activations, keys and values and its mask, and its padded tokens at most: more gains nothing, and a kill loses it.
BATCH_BYTES = {"cpu": 2**28, "cuda": 2**32}
BATCH_TOKENS = {"cpu": 4096, "cuda": 131_072}
# A batch of so many tokens keeps the device busy; beyond it a row joins only if it is at least as full as this.
BUSY_TOKENS = {"cpu": 512, "cuda": 16_384}
FULL = 0.9


@dataclass(frozen=True)
class Asked:
    """One question: `tokens` to read, and the `targets` that its last positions should predict, one per position."""

    tokens: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """The sum of the targets' log-probabilities in nats, and whether each was the likeliest."""

    log_likelihood: float
    greedy: bool


Done = Callable[[int, Answer], None]


def score(
    model: Any,
    head: Head,
    asked: Sequence[Asked],
    places: Sequence[int],
    done: Done,
    *,
    known: frozenset[int] = frozenset(),
    share: bool = True,
    way: Way = "plain",
) -> None:
    """Call `done(place, answer)` for the questions at `places` of `asked`, batch by batch; a batch of `known` ones alone is left out.

    Every question reads at least as many tokens as it has targets, at least one. With `share` false every distinct sequence is a row of its
    own, read from its beginning. `way` is how attention to what is shared is computed.
    """
    readings, askers = distinct(asked, places)
    alone = [Block(0, tuple(Tree(len(reading.tokens), (place,)) for place, reading in enumerate(readings)))]
    read(model, head, blocks(readings) if share else alone, Questions(asked, readings, askers, known), done, way)


@dataclass(frozen=True)
class Questions:
    """What is asked: `readings`, and per reading (`askers`) who asks about it; `known` askers have their answers already."""

    asked: Sequence[Asked]
    readings: Sequence[Reading]
    askers: Sequence[Sequence[int]]
    known: frozenset[int] = frozenset()


def distinct(asked: Sequence[Asked], places: Iterable[int]) -> tuple[list[Reading], list[list[int]]]:
    """Return each distinct sequence once, and per sequence the places of those who ask about it."""
    found: dict[tuple[int, ...], list[int]] = {}
    for place in places:
        found.setdefault(asked[place].tokens, []).append(place)
    readings = [Reading(tokens, len(tokens) - max(len(asked[place].targets) for place in askers)) for tokens, askers in found.items()]
    return readings, list(found.values())


def read(model: Any, head: Head, found: Sequence[Block], questions: Questions, done: Done, way: Way, piece_size: int | None = None) -> None:
    """Read blocks of the questions' readings and answer all who ask, as `score` does; a beginning in pieces of at most `piece_size` tokens."""
    for block in found:
        rows = [_row(block.shared, tree, questions) for tree in block.trees]
        prefix = None
        for batch in _batches(model, block.shared, rows):
            if all(asker in questions.known for row in batch for _, asker in row.wanted):
                continue
            if block.shared and prefix is None:
                beginning = questions.readings[block.trees[0].places[0]].tokens[: block.shared]
                prefix = Prefix.read(model, head, beginning, way, piece_size)
            waiting = [batch]
            while waiting:
                some = waiting.pop()
                try:
                    _answer(model, head, prefix, some, questions.asked, done)
                except RuntimeError as error:
                    if len(some) == 1 or not _lacks_memory(error):
                        raise
                    waiting += [some[len(some) // 2 :], some[: len(some) // 2]]


@dataclass(frozen=True)
class _Row:
    """A tree as it is read behind its block: `tokens`, their `positions`, `owners` (0 for the trunk, else the branch's number), and who wants what.

    `wanted` holds (column whose logits are wanted, asker) once per target, each asker's in the order of its targets.
    """

    tokens: list[int]
    positions: list[int]
    owners: list[int]
    wanted: list[tuple[int, int]]


def _row(shared: int, tree: Tree, questions: Questions) -> _Row:
    readings, askers, asked = questions.readings, questions.askers, questions.asked
    tokens = list(readings[tree.places[0]].tokens[shared : tree.trunk])
    trunk = len(tokens)
    positions = list(range(shared, tree.trunk))
    owners = [0] * trunk
    wanted: list[tuple[int, int]] = []
    for number, place in enumerate(tree.places, 1):
        whole = readings[place].tokens
        columns = [*range(trunk), *range(len(tokens), len(tokens) + len(whole) - tree.trunk)]
        tokens += whole[tree.trunk :]
        positions += range(tree.trunk, len(whole))
        owners += [number] * (len(whole) - tree.trunk)
        for asker in askers[place]:
            wanted += [(column, asker) for column in columns[-len(asked[asker].targets) :]]
    return _Row(tokens, positions, owners, wanted)


def _batches(model: Any, shared: int, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Divide rows into batches, the longest first, so that what does not fit shows at once, and alike in length, so that little is padded.

    A batch lies on one side of the turns of the model's positions.
    """
    side = sides(model)
    kind = host.kind(str(model.device))
    bytes_of = bytes_per_token(model)
    batch: list[_Row] = []
    length = most = 0
    for row in sorted(rows, key=lambda row: len(row.tokens), reverse=True):
        busy = len(batch) * length >= BUSY_TOKENS[kind]
        apart = batch and side(max(row.positions) + 1) != side(max(batch[0].positions) + 1)
        if batch and (len(batch) == most or apart or (busy and len(row.tokens) < FULL * length)):
            yield batch
            batch = []
        if not batch:
            length = len(row.tokens)
            memory = length * (bytes_of.activations + (shared + length) * bytes_of.number) + (shared + length) * bytes_of.keys
            most = max(1, min(BATCH_TOKENS[kind] // length, BATCH_BYTES[kind] // memory))
        batch.append(row)
    if batch:
        yield batch


def _lacks_memory(error: RuntimeError) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _answer(model: Any, head: Head, prefix: Prefix | None, rows: Sequence[_Row], asked: Sequence[Asked], done: Done) -> None:
    """Read one batch and answer all its askers."""
    positions: dict[tuple[int, int], int] = {}
    numbers: list[int] = []
    askers: list[int] = []
    for place, row in enumerate(rows):
        for column, asker in row.wanted:
            numbers.append(positions.setdefault((place, column), len(positions)))
            askers.append(asker)
    targets = [token for asker in dict.fromkeys(askers) for token in asked[asker].targets]
    rows_asked, columns_asked = zip(*positions, strict=True)
    with behind(model, head, prefix, rows_asked, columns_asked):
        logits = model(**_inputs(model, prefix, rows)).logits
    scores = head.scores(logits, numbers, targets)
    start = 0
    for asker in dict.fromkeys(askers):
        end = start + len(asked[asker].targets)
        done(asker, Answer(sum(scores.log_probabilities[start:end]), all(scores.likeliest[start:end])))
        start = end


def _inputs(model: Any, prefix: Prefix | None, rows: Sequence[_Row]) -> dict[str, Any]:
    """Return what the model is given: rows padded on the right, behind the block, with a mask where there are branches."""
    import torch

    longest = max(len(row.tokens) for row in rows)

    def padded(lists: Iterable[list[int]], filling: int) -> Any:
        return torch.tensor([numbers + [filling] * (longest - len(numbers)) for numbers in lists])

    inputs: dict[str, Any] = {"input_ids": padded((row.tokens for row in rows), 0).to(model.device), "use_cache": prefix is not None}
    if prefix is not None:
        inputs["past_key_values"] = prefix.seen(len(rows))
    if any(row.owners[-1] for row in rows):
        before = 0 if prefix is None else prefix.held
        owners = padded((row.owners for row in rows), -1)
        seen = ((owners[:, :, None] == owners[:, None, :]) | (owners[:, None, :] == 0)).tril_()
        mask = torch.zeros(len(rows), 1, longest, before + longest, dtype=model.dtype)
        mask[:, 0, :, before:].masked_fill_(~seen, torch.finfo(model.dtype).min)
        inputs["attention_mask"] = mask.to(model.device)
        inputs["position_ids"] = padded((row.positions for row in rows), 0).to(model.device)
    return inputs
