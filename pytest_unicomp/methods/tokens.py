"""Tokenizes calibration texts, each truncated to the requested length; refuses missing or too little text, and a length beyond the model's context."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.checkpoints.config_json import read_config
from pytest_unicomp.methods.source import load_tokenizer

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

MINIMUM_TOKENS = 256


def encode(source: Path, calibration: Calibration | None, *, recipe: str) -> list[torch.Tensor]:
    """Return one int64 tensor (1 x length) per document that has at least two tokens, cut to `calibration.tokens`.

    Raises UnicompError if there is no calibration text, if all documents together have fewer than 256 tokens, and if documents
    may be longer than the model's context.
    """
    import torch

    if calibration is None or not calibration.texts:
        raise UnicompError(f"unicomp: {recipe} needs calibration text and got none; give --unicomp-calibration a mixture or FILE.jsonl.")
    context = context_length(source)
    if context is not None and calibration.tokens > context:
        raise UnicompError(
            f"unicomp: {recipe} was given calibration documents of up to {calibration.tokens} tokens, but the model's context "
            f"is {context}; ask for at most {context} tokens."
        )
    tokenizer = load_tokenizer(source)
    encoded = (_ids(tokenizer, text, calibration.tokens) for text in calibration.texts)
    documents = [torch.tensor([ids], dtype=torch.int64) for ids in encoded if len(ids) > 1]
    total = sum(document.shape[1] for document in documents)
    if total < MINIMUM_TOKENS:
        raise UnicompError(
            f"unicomp: {recipe} got calibration text of {total} tokens in {len(calibration.texts)} documents, expected at least "
            f"{MINIMUM_TOKENS}; give more or longer texts."
        )
    return documents


def _ids(tokenizer: PreTrainedTokenizerBase, text: str, limit: int) -> list[int]:
    # A chat template may write the first special token itself; the tokenizer would then put a second one before it.
    rendered = bool(tokenizer.bos_token) and text.startswith(str(tokenizer.bos_token))
    ids: list[int] = tokenizer(text, truncation=True, max_length=limit, add_special_tokens=not rendered)["input_ids"]
    return ids


def context_length(source: Path) -> int | None:
    """Return the number of positions that the checkpoint's configuration declares, or None if it declares none."""
    return positions(read_config(source))


def positions(config: Mapping[str, Any]) -> int | None:
    """Return the number of positions that a configuration declares, or None if it declares none."""
    declared = config.get("max_position_embeddings") or (config.get("text_config") or {}).get("max_position_embeddings")
    return int(declared) if declared else None
