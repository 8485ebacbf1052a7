"""The rows of one batch in decoding, how many of them fit into memory, and the forward pass that gives each row's next logits."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.prefix_cache import CachedPrefix

# Most bytes of one batch's KV cache, and most rows of a batch: more rows do not make the matrix products faster.
CACHE_BYTES = {"cpu": 2**29, "cuda": 2**33}
BATCH_ROWS = {"cpu": 128, "cuda": 256}
# Most bytes of one prefill pass's activations, and most prompt tokens: on a CPU, the activations of more no longer fit into the processor's cache.
PREFILL_BYTES = {"cpu": 2**28, "cuda": 2**33}
PREFILL_TOKENS = {"cpu": 4_096, "cuda": 65_536}


@dataclass
class Row:
    """One text: token ids of its prompt and those generated; `index` is the place of its prompt among all."""

    index: int
    prompt: list[int]
    generated: list[int]
    random_numbers: Any = None
    prompt_ids: Any = None
    finished: bool = False


@dataclass
class DecodingBatch:
    """Rows in decoding: `logits` of the next token, (rows, vocabulary), the KV `cache`, and its `mask`, (rows, columns), 1 for a token, 0 for none.

    `prefix`, if there is one, starts every row, and has no columns in `cache` and `mask`.
    """

    rows: list[Row]
    logits: Any
    cache: Any
    mask: Any
    prefix: CachedPrefix | None = None


def max_rows(model: Any, tokens: int) -> int:
    """Return how many rows that keep `tokens` tokens each fit into a batch, at least one."""
    kind = host.device_type(str(model.device))
    return max(1, min(BATCH_ROWS[kind], CACHE_BYTES[kind] // (bytes_per_token(model).kv_cache * max(1, tokens))))


def prefill_tokens(model: Any) -> int:
    """Return how many prompt tokens go into one prefill pass, at least one; their activations must fit into PREFILL_BYTES."""
    kind = host.device_type(str(model.device))
    return max(1, min(PREFILL_TOKENS[kind], PREFILL_BYTES[kind] // bytes_per_token(model).activations))


def last_logits(model: Any, ids: Any, mask: Any, positions: Any, cache: Any, prefix: CachedPrefix | None = None) -> Any:
    """Return the logits of each row's last token, shape (rows, vocabulary), from token ids and positions of shape (rows, tokens).

    With a `prefix`, for which cascade attention is needed, each row has one token.
    """
    import torch

    if prefix is not None:
        hidden = mask[:, None, None] == 0
        mask = torch.zeros(hidden.shape, dtype=model.dtype, device=mask.device).masked_fill_(hidden, torch.finfo(model.dtype).min)
    settings = {"past_key_values": cache, "use_cache": True, "logits_to_keep": 1}
    with nullcontext() if prefix is None else prefix.attending(model):
        return model(input_ids=ids, attention_mask=mask, position_ids=positions, **settings).logits[:, -1]
