"""Generates batches of text that never wait for the longest: rows that have ended leave, waiting prompts take their places, sampling is seeded per row."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_unicomp.engine.context_limits import attended, sides
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.kv_cache import Part, growable, growing, joined
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.model_probe import Support
from pytest_unicomp.engine.prefill import Read, Reader, passes
from pytest_unicomp.engine.sampling import Choosing
from pytest_unicomp.engine.unbatched import write

# Bytes that the keys and values of one batch may take, and the activations of one pass; and a batch's rows at most: enough for the matrix products to be dense.
BATCH_BYTES = {"cpu": 2**28, "cuda": 2**33}
BATCH_ROWS = {"cpu": 128, "cuda": 256}
# Prompt tokens that are read in one pass: on a CPU more of them make activations that no longer stay in the processor's cache.
PASS_TOKENS = {"cpu": 4_096, "cuda": 65_536}
# Rows leave when so few of a batch are still being written: each leaving copies the keys and values of those that stay.
STAYING = 0.85
# Waiting prompts are read when so much of a batch's room is taken: each joining copies the keys and values too.
REFILL = 0.5


@dataclass(frozen=True)
class Stopping:
    """When a row ends: one of the token ids `ends`, the text `found` says so of the ids generated up to now, or `limit` new tokens."""

    ends: frozenset[int]
    limit: int
    found: Callable[[list[int]], bool] | None = None


@dataclass
class _Row:
    place: int
    prompt: list[int]
    made: list[int]
    draws: Any = None
    distinct: Any = None
    ended: bool = False


@dataclass
class _Batch:
    """Rows that are written side by side: the `logits` of what each says next, and which places of `cache` it sees (`mask`, 1 or 0)."""

    rows: list[_Row]
    logits: Any
    cache: Any
    mask: Any


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    stopping: Stopping,
    *,
    how: Support,
    choosing: Choosing,
    ordinals: Sequence[int] | None = None,
    done: Callable[[int, list[int]], None],
) -> None:
    """Call `done(place, new token ids)` once per prompt (a list of at least one token id), in the order in which they end.

    Of equal requests, `ordinals` says per prompt how many came before (none by default): a row's draws depend on its prompt, that number and the
    seed of `choosing` alone, so that neither its batch nor the order of the prompts changes what is said. An end token is the last of the ids.
    `how` is what `support` found out about the model.
    """
    import torch

    numbers = ordinals if ordinals is not None else [0] * len(prompts)
    rows = [
        _Row(place, list(prompt), [], choosing.draws(prompt, number, stopping.limit))
        for place, (prompt, number) in enumerate(zip(prompts, numbers, strict=True))
    ]
    together, alone = _sides(model, rows, stopping.limit)
    with torch.inference_mode():
        for side, some in together.items():
            with how.reading(model):
                waiting = (_Joining if side == 0 and _joins(model, how) else _Apart)(model, how, some, stopping.limit)
                batch = waiting.fill(None)
                while batch is not None:
                    # Not in one statement: what has ended must be let go of before others are read.
                    batch = _step(model, batch, stopping, choosing, done)
                    batch = waiting.fill(batch)
        for row in alone:
            _write_alone(model, row, stopping, choosing, done)


def _sides(model: Any, rows: Sequence[_Row], limit: int) -> tuple[dict[int, list[_Row]], list[_Row]]:
    """Return the rows that stay on one side of the turns of the model's positions, by side, and those that may cross one, the longest first."""
    side = sides(model)
    together: dict[int, list[_Row]] = {}
    alone: list[_Row] = []
    for row in rows:
        before = side(len(row.prompt))
        (together.setdefault(before, []) if before == side(len(row.prompt) + limit) else alone).append(row)
    return together, sorted(alone, key=lambda row: (-len(row.prompt), row.prompt))


def _joins(model: Any, how: Support) -> bool:
    """Say whether rows may have gaps: a window that counts places, of the cache or of a row, would count those too."""
    return how.head is not None and how.reason is None and attended(model) is None and growable(model.config)


def _write_alone(model: Any, row: _Row, stopping: Stopping, choosing: Choosing, done: Callable[[int, list[int]], None]) -> None:
    # The model's generation_config has penalised already.
    chooses = replace(choosing, penalty=1.0)

    def say(scores: Any) -> tuple[int, bool]:
        token = int(chooses.tokens(scores, [row]))
        return token, _said(row, token, stopping, done)

    write(model, row.prompt, stopping.limit, say)


def _said(row: _Row, token: int, stopping: Stopping, done: Callable[[int, list[int]], None]) -> bool:
    """Put a token down; say whether it was the row's last."""
    row.made.append(token)
    row.ended = token in stopping.ends or len(row.made) >= stopping.limit or bool(stopping.found and stopping.found(row.made))
    if row.ended:
        done(row.place, row.made)
    return row.ended


def _step(model: Any, batch: _Batch, stopping: Stopping, choosing: Choosing, done: Callable[[int, list[int]], None]) -> _Batch | None:
    """Let each row of a batch say its next token and think of the one after; None when all have ended."""
    import torch

    chosen = choosing.tokens(batch.logits, batch.rows)
    for row, token in zip(batch.rows, chosen.tolist(), strict=True):
        if not row.ended:
            _said(row, token, stopping, done)
    alive = [number for number, row in enumerate(batch.rows) if not row.ended]
    if not alive:
        return None
    rows, mask = batch.rows, batch.mask
    if len(alive) <= STAYING * len(rows):
        kept = torch.tensor(alive, device=model.device)
        batch.cache.batch_select_indices(kept)
        mask, chosen = mask[kept], chosen[kept]
        rows = [rows[number] for number in alive]
    # A row that has ended and not yet left is written on, and must not go where no position is.
    last = max(len(row.prompt) + len(row.made) - 1 for row in rows if not row.ended)
    positions = mask.sum(1, keepdim=True).clamp(max=last)
    mask = torch.nn.functional.pad(mask, (0, 1), value=1)
    return _Batch(rows, _last_logits(model, chosen[:, None], mask, positions, batch.cache), batch.cache, mask)


class _Joining:
    """Prompts are read in passes, what they share once, and join the rows that are still being written as soon as there is room."""

    def __init__(self, model: Any, how: Support, rows: Sequence[_Row], limit: int) -> None:
        assert how.head is not None
        self._model, self._rows, self._limit = model, rows, limit
        prompts = [row.prompt for row in rows]
        self._reader = Reader(model, how.head, how.way, prompts, limit)
        self._waiting = deque(passes(prompts, self._room, _pass_tokens(model)))

    def _room(self, length: int) -> int:
        return _room(self._model, length + self._limit)

    def fill(self, batch: _Batch | None) -> _Batch | None:
        """Return the batch, with as many of those that wait as there is room for once it is half empty; None when nobody is left."""
        import torch

        if not self._waiting or (batch is not None and len(batch.rows) > REFILL * self._room(batch.mask.shape[1])):
            return batch
        used = None if batch is None else batch.mask.any(0).nonzero()[:, 0]
        count, longest = (0, 0) if batch is None or used is None else (len(batch.rows), len(used))
        read: list[Read] = []
        while self._waiting:
            places = self._waiting[0].places
            count, longest = count + len(places), max(longest, *(len(self._rows[place].prompt) for place in places))
            if count > self._room(longest):
                break
            read.append(self._reader.read(self._waiting.popleft()))
        if not read:
            return batch
        rows, logits = [self._rows[place] for one in read for place in one.places], [one.logits for one in read]
        parts, masks = [one.part for one in read], [one.mask for one in read]
        if batch is None and len(parts) == 1 and parts[0].before is None:
            return _Batch(rows, logits[0], parts[0].cache, masks[0])
        if batch is not None:
            parts.insert(0, Part(batch.cache, used))
            rows, logits, masks = [*batch.rows, *rows], [batch.logits, *logits], [batch.mask[:, used], *masks]
        longest = max(mask.shape[1] for mask in masks)
        mask = torch.cat([torch.nn.functional.pad(mask, (0, longest - mask.shape[1])) for mask in masks])
        cache = joined(self._model.config, parts, longest, longest + self._limit)
        return _Batch(rows, torch.cat(logits), cache, mask)


class _Apart:
    """Each batch is read in one pass, padded on the left, and written to its end."""

    def __init__(self, model: Any, how: Support, rows: Sequence[_Row], limit: int) -> None:
        self._model, self._limit = model, limit
        self._waiting = deque(sorted(rows, key=lambda row: (-len(row.prompt), row.prompt)))

    def fill(self, batch: _Batch | None) -> _Batch | None:
        """Return the batch, or the next one when it has ended; None when nobody is left."""
        import torch

        if batch is not None or not self._waiting:
            return batch
        longest = len(self._waiting[0].prompt)
        fitting = max(1, min(_room(self._model, longest + self._limit), _pass_tokens(self._model) // longest))
        rows = [self._waiting.popleft() for _ in range(min(fitting, len(self._waiting)))]
        ids = torch.tensor([[0] * (longest - len(row.prompt)) + row.prompt for row in rows], device=self._model.device)
        mask = torch.tensor([[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in rows], device=self._model.device)
        cache = growing(self._model.config, longest + self._limit)
        logits = _last_logits(self._model, ids, mask, (mask.cumsum(1) - 1).clamp(min=0), cache)
        return _Batch(rows, logits, cache, mask)


def _room(model: Any, tokens: int) -> int:
    """Return how many rows of `tokens` tokens go into a batch, at least one."""
    kind = host.kind(str(model.device))
    return max(1, min(BATCH_ROWS[kind], BATCH_BYTES[kind] // (bytes_per_token(model).keys * tokens)))


def _pass_tokens(model: Any) -> int:
    """Return how many prompt tokens are read together, at least one: what they take on their way must fit as well."""
    kind = host.kind(str(model.device))
    return max(1, min(PASS_TOKENS[kind], BATCH_BYTES[kind] // bytes_per_token(model).activations))


def _last_logits(model: Any, ids: Any, mask: Any, positions: Any, cache: Any) -> Any:
    """Return the logits of each row's last token, shape (rows, vocabulary)."""
    settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    return model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1]
