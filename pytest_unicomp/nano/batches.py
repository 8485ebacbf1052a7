"""Packs training conversations into rows of equal length; batch number n is the same in a run that was resumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_unicomp.nano.mixture import conversation
from pytest_unicomp.nano.settings import TrainingSettings, stream

_MISFITS = 6


@dataclass(frozen=True)
class Batch:
    """`rows` x `tokens_per_row` token ids; for each the id to predict (-100: nothing is learned), its conversation and its place in it."""

    tokens: list[list[int]]
    targets: list[list[int]]
    conversations: list[list[int]]
    positions: list[list[int]]


def batch(tokenizer: Any, settings: TrainingSettings, number: int, padding: int) -> Batch:
    """Return a batch: each conversation goes into the first row with room for it, until several in succession fit nowhere."""
    random = stream(f"training/{settings.seed}/{number}")
    tokens: list[list[int]] = [[] for _ in range(settings.rows)]
    targets: list[list[int]] = [[] for _ in range(settings.rows)]
    conversations: list[list[int]] = [[] for _ in range(settings.rows)]
    positions: list[list[int]] = [[] for _ in range(settings.rows)]
    misfits = count = 0
    while misfits < _MISFITS:
        drawn = conversation(random)
        before = tokenizer.encode(drawn.rendered_prompt(), add_special_tokens=False).ids
        every = tokenizer.encode(drawn.rendered(), add_special_tokens=False).ids
        place = next((row for row in range(settings.rows) if len(tokens[row]) + len(every) <= settings.tokens_per_row), None)
        if place is None:
            misfits += 1
            continue
        # The target of each token is the next one; the last token of a conversation predicts nothing.
        count += 1
        tokens[place] += every
        conversations[place] += [count] * len(every)
        positions[place] += list(range(len(every)))
        targets[place] += [-100] * (len(before) - 1) + every[len(before) :] + [-100]
    for filled, filler in ((tokens, padding), (targets, -100), (conversations, 0), (positions, 0)):
        for row in filled:
            row += [filler] * (settings.tokens_per_row - len(row))
    return Batch(tokens, targets, conversations, positions)
