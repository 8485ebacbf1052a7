"""Reads prompts before they are written on: what several share is read once, and the rest in passes of rows that are alike in length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.attention import Way
from pytest_unicomp.engine.kv_cache import Part, growing
from pytest_unicomp.engine.lm_head import Head
from pytest_unicomp.engine.malloc_trim import trim_after
from pytest_unicomp.engine.prefix_cache import Prefix, behind
from pytest_unicomp.engine.prefix_tree import runs


@dataclass(frozen=True)
class Pass:
    """Prompts (by place) that are read together and share their first `shared` tokens; each has at least one token more."""

    shared: int
    places: tuple[int, ...]


@dataclass(frozen=True)
class Read:
    """What a pass gives: the `logits` of each prompt's last token, shape (prompts, vocabulary), keys and values, and which of their places a prompt fills.

    `mask` has shape (prompts, tokens), 1 where a token lies.
    """

    places: tuple[int, ...]
    logits: Any
    part: Part
    mask: Any


def passes(prompts: Sequence[Sequence[int]], rows: Callable[[int], int], tokens: int) -> list[Pass]:
    """Divide prompts of at least one token into passes, each prompt in one: at most `tokens` padded tokens that are not shared, or one row.

    `rows(length)`, at least 1, is how many rows there may be where the longest prompt has that many tokens.

    Passes that share a beginning follow each other. The longest come first, so that what does not fit shows at once.
    """
    order = sorted(range(len(prompts)), key=lambda place: tuple(prompts[place]))
    groups: list[tuple[int, list[int]]] = []
    alone: list[int] = []
    for first, last, shared in runs([tuple(prompts[place][:-1]) for place in order]):
        if shared:
            groups.append((shared, order[first:last]))
        else:
            alone += order[first:last]
    found: list[Pass] = []
    for shared, places in sorted([*groups, (0, alone)], key=lambda group: -max((len(prompts[place]) for place in group[1]), default=0)):
        places = sorted(places, key=lambda place: -len(prompts[place]))
        start = 0
        while start < len(places):
            length = len(prompts[places[start]])
            fitting = max(1, min(rows(length), tokens // (length - shared)))
            found.append(Pass(shared, tuple(places[start : start + fitting])))
            start += fitting
    return found


class Reader:
    """Reads passes one after another; the beginning of the last one is kept for the next."""

    def __init__(self, model: Any, head: Head, way: Way, prompts: Sequence[Sequence[int]], limit: int) -> None:
        """Take a model that `support` found able to share, the prompts that passes speak of, and how many tokens each may be written on by."""
        self._model, self._head, self._way, self._prompts, self._limit = model, head, way, prompts, limit
        self._beginning: tuple[int, ...] = ()
        self._prefix: Prefix | None = None

    def read(self, some: Pass) -> Read:
        """Read one pass: rows padded on the right, each seeing what is shared and what came before in itself."""
        import torch

        self._share(tuple(self._prompts[some.places[0]][: some.shared]))
        prefix, device = self._prefix, self._model.device
        own = [list(self._prompts[place][some.shared :]) for place in some.places]
        longest = max(map(len, own))
        ids = torch.tensor([tokens + [0] * (longest - len(tokens)) for tokens in own], device=device)
        cache = growing(self._model.config, longest + self._limit) if prefix is None else prefix.seen(len(own))
        if prefix is None and len(own) == 1:
            given = chunked_prefill.read(self._model, self._head, own[0], cache)
        else:
            rows, ends = range(len(own)), [len(tokens) - 1 for tokens in own]
            with behind(self._model, self._head, prefix, rows, ends):
                given = self._model(input_ids=ids, past_key_values=cache, use_cache=True).logits
        logits = self._head.logits(given)
        mask = torch.tensor([[1] * (some.shared + len(tokens)) + [0] * (longest - len(tokens)) for tokens in own], device=device)
        del given
        trim_after(self._model, ids.numel())
        places = slice(0 if prefix is None else prefix.held, None)
        return Read(some.places, logits, Part(cache, places, prefix and prefix.cache), mask)

    def _share(self, beginning: tuple[int, ...]) -> None:
        if beginning != self._beginning:
            self._prefix = Prefix.read(self._model, self._head, beginning, self._way) if beginning else None
            self._beginning = beginning
