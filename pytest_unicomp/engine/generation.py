"""Generates batches of text that never wait for the longest: finished rows leave, a shared beginning is computed once, sampling is seeded per row."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.caches import growing

# Padded tokens of one batch, prompt and reply together, and its rows at most: enough for the matrix products to be dense.
BATCH_TOKENS = {"cpu": 32_768, "cuda": 262_144}
BATCH_ROWS = {"cpu": 64, "cuda": 256}
# Prompt tokens that a small model reads in one pass on a CPU: more of them, and their activations no longer stay in the processor's cache.
PASS_TOKENS = 4_096
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
    kind = "cuda" if str(model.device).startswith("cuda") else "cpu"
    with torch.inference_mode():
        for batch in _batches(rows, stopping.limit, kind, _pass_tokens(model, kind)):
            _generate(model, batch, stopping, temperature, seed, done)


def _pass_tokens(model: Any, kind: str) -> int:
    """Return how many prompt tokens go together: on a CPU no more than make activations as large as the weights, since both compete for its cache."""
    if kind != "cpu":
        return BATCH_TOKENS[kind]
    config = model.config.get_text_config()
    floats_per_token = 4 * int(config.hidden_size) + 3 * int(getattr(config, "intermediate_size", None) or 4 * config.hidden_size)
    weights = sum(int(weight.numel()) for weight in model.parameters())
    return max(PASS_TOKENS, weights // floats_per_token)


def _batches(rows: Sequence[_Row], limit: int, kind: str, pass_tokens: int) -> Iterator[list[_Row]]:
    start = 0
    while start < len(rows):
        length = len(rows[start].prompt)
        fitting = max(1, min(BATCH_ROWS[kind], BATCH_TOKENS[kind] // (length + limit), pass_tokens // length))
        yield list(rows[start : start + fitting])
        start += fitting


def _generate(
    model: Any, rows: list[_Row], stopping: Stopping, temperature: float, seed: int, done: Callable[[int, list[int]], None]
) -> None:
    import torch

    device = model.device
    if temperature > 0:
        for row in rows:
            row.draws = _draws(row.prompt, seed, stopping.limit)
    cache, shared = _shared(model, rows, stopping.limit)
    longest = max(len(row.prompt) for row in rows) - shared
    ids = torch.zeros(len(rows), longest, dtype=torch.long)
    mask = torch.zeros(len(rows), shared + longest, dtype=torch.long)
    mask[:, :shared] = 1
    for number, row in enumerate(rows):
        own = row.prompt[shared:]
        ids[number, longest - len(own) :] = torch.tensor(own)
        mask[number, shared + longest - len(own) :] = 1
    mask = mask.to(device)
    positions = (mask.cumsum(1) - 1).clamp(min=0)[:, shared:]
    ids = ids.to(device)
    for step in range(stopping.limit):
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
        ).logits[:, -1]
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
            kept = torch.tensor(alive, device=device)
            cache.batch_select_indices(kept)
            mask, positions, chosen = mask[kept], positions[kept], chosen[kept]
            rows = [rows[number] for number in alive]
        ids = chosen[:, None]
        mask = torch.nn.functional.pad(mask, (0, 1), value=1)
        positions = positions[:, -1:] + 1


def _shared(model: Any, rows: Sequence[_Row], limit: int) -> tuple[Any, int]:
    """Return a cache that holds the beginning which all prompts share, once per row, and its length in tokens; each keeps one token of its own."""
    import torch

    cache = growing(model.config, max(len(row.prompt) for row in rows) + limit)
    # Sorted by length and then by token: of a list that is sorted by token alone, the first and the last share least; here all are asked.
    first, length = rows[0].prompt, min(len(row.prompt) for row in rows) - 1
    for row in rows[1:]:
        length = next((place for place in range(length) if row.prompt[place] != first[place]), length)
    if len(rows) == 1 or length < SHARED_TOKENS:
        return cache, 0
    model(input_ids=torch.tensor([first[:length]], device=model.device), past_key_values=cache, use_cache=True, logits_to_keep=1)
    cache.batch_repeat_interleave(len(rows))
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
