"""Generates batches of text that never wait for the longest: finished rows leave, a shared beginning is computed once, sampling is seeded per row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.caches import growable, growing, joined, spread
from pytest_unicomp.engine.sharing import common
from pytest_unicomp.engine.sizes import bytes_per_token

# Bytes that the keys and values of one batch may take, and its rows at most: enough for the matrix products to be dense.
BATCH_BYTES = {"cpu": 2**29, "cuda": 2**33}
BATCH_ROWS = {"cpu": 128, "cuda": 256}
# Prompt tokens that are read in one pass: on a CPU more of them make activations that no longer stay in the processor's cache.
PASS_TOKENS, CUDA_PASS_TOKENS = 4_096, 65_536
# A shorter shared beginning is not worth a pass of its own.
SHARED_TOKENS = 16
# Rows leave when so few of a batch are still being written: each leaving copies the keys and values of those that stay.
STAYING = 0.85


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
    ended: bool = False


def generate(
    model: Any,
    prompts: Sequence[Sequence[int]],
    stopping: Stopping,
    *,
    temperature: float,
    seed: int,
    done: Callable[[int, list[int]], None],
) -> None:
    """Call `done(place, new token ids)` once per prompt (a list of at least one token id), in the order in which they end.

    Greedy at `temperature` 0, else sampled from softmax(logits / temperature); a row's draws depend on its prompt and `seed` alone, so that
    neither its batch nor the order of the prompts changes what is said. An end token is not part of what `done` is given.
    """
    import torch

    rows = [_Row(place, list(prompt), []) for place, prompt in enumerate(prompts)]
    rows.sort(key=lambda row: (-len(row.prompt), row.prompt))
    with torch.inference_mode():
        for batch in _batches(model, rows, stopping.limit):
            _write(model, batch, stopping, temperature, seed, done)


def _batches(model: Any, rows: Sequence[_Row], limit: int) -> Iterator[list[_Row]]:
    """Divide rows, the longest first, into batches whose keys and values fit; a model whose layers keep a window reads each batch in one pass."""
    kind = "cuda" if str(model.device).startswith("cuda") else "cpu"
    room = BATCH_BYTES[kind] // bytes_per_token(model).keys
    once = room if growable(model.config) else _pass_tokens(model)
    start = 0
    while start < len(rows):
        length = len(rows[start].prompt)
        fitting = max(1, min(BATCH_ROWS[kind], room // (length + limit), once // length))
        yield list(rows[start : start + fitting])
        start += fitting


def _pass_tokens(model: Any) -> int:
    """Return how many prompt tokens go together: on a CPU no more than make activations as large as the weights, since both compete for its cache."""
    if str(model.device).startswith("cuda"):
        return CUDA_PASS_TOKENS
    weights = sum(int(weight.numel() * weight.element_size()) for weight in model.parameters())
    return max(PASS_TOKENS, weights // bytes_per_token(model).activations)


def _write(model: Any, rows: list[_Row], stopping: Stopping, temperature: float, seed: int, done: Callable[[int, list[int]], None]) -> None:
    import torch

    if temperature > 0:
        for row in rows:
            row.draws = _draws(row.prompt, seed, stopping.limit)
    logits, cache, mask = _read(model, rows, stopping.limit)
    positions = mask.sum(1, keepdim=True)
    for step in range(stopping.limit):
        chosen = _choose(logits, temperature, rows, step)
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if row.ended:
                continue
            if token not in stopping.ends:
                row.made.append(token)
                if len(row.made) < stopping.limit and not (stopping.found and stopping.found(row.made)):
                    continue
            row.ended = True
            done(row.place, row.made)
        alive = [number for number, row in enumerate(rows) if not row.ended]
        if not alive:
            return
        if len(alive) <= STAYING * len(rows):
            kept = torch.tensor(alive, device=model.device)
            cache.batch_select_indices(kept)
            mask, positions, chosen = mask[kept], positions[kept], chosen[kept]
            rows = [rows[number] for number in alive]
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        logits = _last_logits(model, chosen[:, None], mask, positions, cache)
        positions = positions + 1


def _read(model: Any, rows: Sequence[_Row], limit: int) -> tuple[Any, Any, Any]:
    """Read the prompts, what all share once and the rest in passes; return the last logits, the cache, and which of its places each row sees."""
    import torch

    longest = max(len(row.prompt) for row in rows)
    prefix, shared = _shared(model, rows, longest + limit)
    apart = growable(model.config)
    step = max(1, _pass_tokens(model) // (longest - shared)) if apart else len(rows)
    logits, caches, masks = [], [], []
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        own = max(len(row.prompt) for row in some) - shared
        ids = torch.zeros(len(some), own, dtype=torch.long)
        mask = torch.zeros(len(some), longest, dtype=torch.long)
        mask[:, :shared] = 1
        for number, row in enumerate(some):
            count = len(row.prompt) - shared
            ids[number, own - count :] = torch.tensor(row.prompt[shared:])
            mask[number, longest - count :] = 1
        seen = torch.cat([mask[:, :shared], mask[:, longest - own :]], dim=1).to(model.device)
        positions = (seen.cumsum(1) - 1).clamp(min=0)[:, shared:]
        cache = spread(prefix, len(some)) if apart else prefix
        logits.append(_last_logits(model, ids.to(model.device), seen, positions, cache))
        caches.append(cache)
        masks.append(mask.to(model.device))
    whole = joined(model.config, caches, shared, longest, longest + limit) if apart else caches[0]
    return torch.cat(logits), whole, torch.cat(masks)


def _last_logits(model: Any, ids: Any, mask: Any, positions: Any, cache: Any) -> Any:
    """Return the logits of each row's last token, shape (rows, vocabulary)."""
    settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    return model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1]


def _shared(model: Any, rows: Sequence[_Row], tokens: int) -> tuple[Any, int]:
    """Return a cache of one row that holds the beginning which all prompts share, and its length in tokens; each keeps one token of its own."""
    import torch

    cache = growing(model.config, tokens)
    if not growable(model.config):
        # A window counts places of the cache: padding between a shared beginning and the rest would push what it should see out of it.
        return cache, 0
    # Sorted by length and then by token: of a list that is sorted by token alone, the first and the last share least; here all are asked.
    first, length = rows[0].prompt, min(len(row.prompt) for row in rows) - 1
    for row in rows[1:]:
        length = common(first[:length], row.prompt)
    if len(rows) == 1 or length < SHARED_TOKENS:
        return cache, 0
    model(input_ids=torch.tensor([first[:length]], device=model.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache, length


def _draws(prompt: Sequence[int], seed: int, count: int) -> Any:
    import torch

    key = hashlib.sha256(f"{seed}:{','.join(map(str, prompt))}".encode()).digest()
    return torch.rand(count, generator=torch.Generator().manual_seed(int.from_bytes(key[:7], "big")), dtype=torch.float64)


def _choose(logits: Any, temperature: float, rows: Sequence[_Row], step: int) -> Any:
    """Return the next token of each row, shape [rows]: the likeliest, or by inverting the distribution function at the row's own draw."""
    import torch

    if temperature <= 0:
        return logits.argmax(-1)
    cumulative = torch.softmax(logits.double() / temperature, -1).cumsum(-1)
    drawn = torch.stack([row.draws[step] for row in rows]).to(logits.device) * cumulative[:, -1]
    return torch.searchsorted(cumulative, drawn[:, None]).squeeze(1).clamp(max=logits.shape[-1] - 1)
