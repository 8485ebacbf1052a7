"""Reads one long row piece by piece, so that what its tokens take on their way through a layer is bounded whatever its length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.lm_head import Head
from pytest_unicomp.engine.memory_estimate import bytes_per_token

# Bytes of activations that a piece may take, and its tokens at least: fewer would leave the matrix products thin.
PIECE_BYTES = {"cpu": 2**27, "cuda": 2**32}
SHORTEST = 256


def piece_tokens(model: Any) -> int:
    """Return how many tokens of one row are read in one pass."""
    return max(SHORTEST, PIECE_BYTES[host.kind(str(model.device))] // bytes_per_token(model).activations)


def read(model: Any, head: Head, tokens: Sequence[int], cache: Any, piece_size: int | None = None) -> Any:
    """Read a row of at least one token into `cache` and return the model's logits of its last token, for `head` to take; a piece has at most `piece_size` tokens.

    Every layer must see all that came before, and no turn of the model's positions may lie within the row (`lengths`).
    """
    import torch

    size = piece_size or piece_tokens(model)
    logits = None
    for start in range(0, len(tokens), size):
        piece = tokens[start : start + size]
        with head.reading([0], [len(piece) - 1]):
            logits = model(input_ids=torch.tensor([piece], device=model.device), past_key_values=cache, use_cache=True).logits
    return logits
