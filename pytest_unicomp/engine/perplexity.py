"""Scores whole texts: `nats_per_token` for documents, `block_nats` for fixed blocks of tokens, `top_tokens` for what else was likely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.loading import Engine
from pytest_unicomp.engine.quiet_libraries import quiet, without_bars

# Enough to tell distributions apart, few enough to keep: 32 x 10 pairs a text.
POSITIONS, TOP = 32, 10
TopTokens = list[list[tuple[int, float]]]


def nats_per_token(texts: Sequence[str], engine: Engine) -> list[float | None]:
    """Return the mean negative log-likelihood of each text's tokens in nats, by lm-eval's `loglikelihood_rolling`; None for an empty text."""
    import torch
    from lm_eval.api.instance import Instance

    requests = [
        Instance(request_type="loglikelihood_rolling", doc={}, arguments=(text,), idx=0, metadata=("documents", number, 1))
        for number, text in enumerate(texts)
    ]
    engine.fit_batch(texts, logits_everywhere=True)
    with quiet(), without_bars(), torch.inference_mode():
        totals = engine.lm.loglikelihood_rolling(requests, disable_tqdm=True)
        lengths = [len(engine.lm.tok_encode(text)) for text in texts]
    return [-float(total) / length if length else None for total, length in zip(totals, lengths, strict=True)]


def top_tokens(texts: Sequence[str], engine: Engine) -> list[TopTokens | None]:
    """Return for POSITIONS evenly spread positions of each text the TOP likeliest next tokens; None for a text of one token, or a served model."""
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
            found.append(_tops(engine.model(torch.tensor([tokens], device=engine.device)).logits[0, :-1]))
    return found


def _tops(logits: Any) -> TopTokens:
    """Read the likeliest tokens off logits of shape (positions, vocabulary)."""
    import torch

    places = torch.linspace(0, logits.shape[0] - 1, min(POSITIONS, logits.shape[0]), device=logits.device).round().long()
    values, tokens = logits[places].float().log_softmax(-1).topk(min(TOP, logits.shape[-1]))
    pairs = zip(tokens.tolist(), values.tolist(), strict=True)
    return [[(token, round(value, 4)) for token, value in zip(*row, strict=True)] for row in pairs]


def block_nats(tokens: Sequence[int], engine: Engine) -> tuple[float, TopTokens | None]:
    """Return the mean negative log-likelihood, in nats, of all tokens of a block but its first, each given those before it in the block.

    Beside it the likeliest next tokens at POSITIONS evenly spread positions, None for a served model.
    """
    if engine.model is None:
        # A served model: its logits stay with the server, which is asked as for any other continuation.
        [(total, _)] = engine.lm._loglikelihood_tokens([(None, [tokens[0]], list(tokens[1:]))], disable_tqdm=True)
        return -float(total) / (len(tokens) - 1), None
    import torch

    block = torch.tensor([list(tokens)], device=engine.device)
    with torch.inference_mode():
        logits = engine.model(block).logits[0, :-1]
        return float(torch.nn.functional.cross_entropy(logits.float(), block[0, 1:])), _tops(logits)
