"""Turns contexts and continuations into token ids as lm-eval's `loglikelihood` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.tokens import Texts


def pairs(lm: Any, requests: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
    """Return (context ids, continuation ids) per request, as `TemplateLM._encode_pair` and `loglikelihood` make them (lm_eval/api/model.py).

    Spaces at the end of a context go to its continuation; without a context the token that starts a text stands in for it.
    """
    moved = [_moved(context, continuation) for context, continuation in requests]
    texts = Texts(lm, (text for context, continuation in moved if context for text in (context, context + continuation)))
    found: list[tuple[list[int], list[int]]] = []
    for (given, _), (context, continuation) in zip(requests, moved, strict=True):
        if context:
            ids = texts[context]
            found.append((ids, texts[context + continuation][len(ids) :]))
        elif given:
            # A context of spaces alone: lm-eval encodes it as no text at all, which may still begin with a special token.
            ids = lm.tok_encode(context)
            found.append((ids or [lm.prefix_token_id], lm.tok_encode(continuation)[len(ids) :]))
        else:
            ids = lm.tok_encode(continuation, add_special_tokens=False)
            begins = bool(ids) and ids[0] == lm.prefix_token_id
            found.append((ids[:1], ids[1:]) if begins else ([lm.prefix_token_id], ids))
    return found


def _moved(context: str, continuation: str) -> tuple[str, str]:
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation
