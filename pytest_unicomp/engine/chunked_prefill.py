"""Chunked prefill: runs one long row through the model chunk by chunk, so that the memory of its activations does not grow with its length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.lm_head import LMHead
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.out_of_memory import is_out_of_memory

# Most bytes of activations of one chunk, and its fewest tokens: below that the matrix products become inefficient.
CHUNK_BYTES = {"cpu": 2**27, "cuda": 2**32}
MIN_CHUNK_TOKENS = 256


def chunk_tokens(model: Any) -> int:
    """Return how many tokens of one row go into one forward pass."""
    return max(MIN_CHUNK_TOKENS, CHUNK_BYTES[host.device_type(str(model.device))] // bytes_per_token(model).activations)


def prefill(model: Any, lm_head: LMHead, tokens: Sequence[int], cache: Any, chunk_size: int | None = None) -> Any:
    """Fill `cache` with a row of at least one token, in chunks of at most `chunk_size`, and return the model's output for `lm_head.logits`.

    The logits are those of the last token. A chunk that does not fit into memory is halved, down to one token. Every layer must attend to all
    earlier tokens, and the RoPE regime must not change within the row (see `context_limits`).
    """
    import torch

    size = chunk_size or chunk_tokens(model)
    logits = None
    start = 0
    while start < len(tokens):
        chunk = tokens[start : start + size]
        try:
            with lm_head.at_positions([0], [len(chunk) - 1]):
                logits = model(input_ids=torch.tensor([chunk], device=model.device), past_key_values=cache, use_cache=True).logits
        except RuntimeError as error:
            if len(chunk) == 1 or not is_out_of_memory(error):
                raise
            size = len(chunk) // 2
        else:
            start += len(chunk)
            continue
        # Outside of the block above, which keeps the frames of the failed pass in memory. Some layers had stored the chunk already.
        for layer in cache.layers:
            if (excess := layer.get_seq_length() - start) > 0:
                layer.crop(-excess)
    return logits
