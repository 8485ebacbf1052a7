"""Scores whole texts: `nats_per_token` of documents, `block_nats` of fixed blocks of tokens, and the `top_tokens` of the next-token distributions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.loading import Engine
from pytest_unicomp.engine.quiet_libraries import quiet, without_progress_bars

# Enough positions and tokens to distinguish distributions, few enough to store: 32 x 10 pairs per text.
POSITIONS, TOP = 32, 10
# Per position, pairs of token id and log-probability in nats, the likeliest first.
TopTokens = list[list[tuple[int, float]]]


def nats_per_token(texts: Sequence[str], engine: Engine) -> list[float | None]:
    """Return the mean negative log-likelihood per token of each text in nats, by lm-eval's `loglikelihood_rolling`; None for an empty text."""
    import torch
    from lm_eval.api.instance import Instance

    requests = [
        Instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=0, metadata=("documents", number, 1))
        for number, text in enumerate(texts)
    ]
    engine.fit_batch(texts, logits_everywhere=True)
    with quiet(), without_progress_bars(), torch.inference_mode():
        totals = engine.lm.loglikelihood_rolling(requests, disable_tqdm=True)
        lengths = [len(engine.lm.tok_encode(text)) for text in texts]
    return [-float(total) / length if length else None for total, length in zip(totals, lengths, strict=True)]


def top_tokens(texts: Sequence[str], engine: Engine) -> list[TopTokens | None]:
    """Return the TOP likeliest next tokens at POSITIONS evenly spaced positions of each text; None for a text of one token or a served model."""
    import torch

    if engine.model is None:
        return [None] * len(texts)
    found: list[TopTokens | None] = []
    for text in texts:
        tokens = list(engine.lm.tok_encode(text))[: engine.max_length]
        if len(tokens) < 2:
            found.append(None)
            continue
        with torch.inference_mode():
            found.append(_top_tokens(engine.model(torch.tensor([tokens], device=engine.device)).logits[0, :-1]))
    return found


def _top_tokens(logits: Any) -> TopTokens:
    """Return the likeliest tokens under logits of shape (positions, vocabulary)."""
    import torch

    positions = torch.linspace(0, logits.shape[0] - 1, min(POSITIONS, logits.shape[0]), device=logits.device).round().long()
    values, tokens = logits[positions].float().log_softmax(-1).topk(min(TOP, logits.shape[-1]))
    pairs = zip(tokens.tolist(), values.tolist(), strict=True)
    return [[(token, round(value, 4)) for token, value in zip(*row, strict=True)] for row in pairs]


def block_nats(tokens: Sequence[int], engine: Engine) -> tuple[float, TopTokens | None]:
    """Return the mean negative log-likelihood, in nats, of the tokens of a block after its first, each given those before it in the block.

    The second value is the likeliest next tokens at POSITIONS evenly spaced positions, or None for a served model.
    """
    if engine.model is None:
        # The logits of a served model stay on the server: the block is scored as a continuation of its first token.
        [(total, _)] = engine.lm._loglikelihood_tokens([(None, [tokens[0]], list(tokens[1:]))], disable_tqdm=True)
        return -float(total) / (len(tokens) - 1), None
    import torch

    block = torch.tensor([list(tokens)], device=engine.device)
    with torch.inference_mode():
        logits = engine.model(block).logits[0, :-1]
        return float(torch.nn.functional.cross_entropy(logits.float(), block[0, 1:])), _top_tokens(logits)
