"""Scores whole texts: `nats_per_token` for documents, `block_nats` for fixed blocks of tokens."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.engine.loading import Engine
from pytest_unicomp.engine.quiet import quiet, without_bars


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


def block_nats(tokens: Sequence[int], engine: Engine) -> float:
    """Return the mean negative log-likelihood, in nats, of all tokens of a block but its first, each given those before it in the block."""
    if engine.model is None:
        # A served model: its logits stay with the server, which is asked as for any other continuation.
        [(total, _)] = engine.lm._loglikelihood_tokens([(None, [tokens[0]], list(tokens[1:]))], disable_tqdm=True)
        return -float(total) / (len(tokens) - 1)
    import torch

    block = torch.tensor([list(tokens)], device=engine.device)
    with torch.inference_mode():
        logits = engine.model(block).logits[0, :-1]
        return float(torch.nn.functional.cross_entropy(logits.float(), block[0, 1:]))
