"""Encodes pairs of context and continuation into token ids as lm-eval's `loglikelihood` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_unicomp.engine.tokens import EncodedTexts


def encode_pairs(lm: Any, requests: Sequence[tuple[str, str]]) -> list[tuple[list[int], list[int]]]:
    """Return (context ids, continuation ids) per request, equal to those of `TemplateLM._encode_pair` and `loglikelihood` (lm_eval/api/model.py).

    Trailing spaces of a context move to its continuation. An empty context becomes the model's prefix token (BOS or EOS).
    """
    moved = [_move_trailing_spaces(context, continuation) for context, continuation in requests]
    texts = EncodedTexts(lm, (text for context, continuation in moved if context for text in (context, context + continuation)))
    encoded: list[tuple[list[int], list[int]]] = []
    for (original_context, _), (context, continuation) in zip(requests, moved, strict=True):
        if context:
            ids = texts[context]
            encoded.append((ids, texts[context + continuation][len(ids) :]))
        elif original_context:
            # A context of spaces alone: lm-eval encodes it as an empty text, which may still start with a special token.
            ids = lm.tok_encode(context)
            encoded.append((ids or [lm.prefix_token_id], lm.tok_encode(continuation)[len(ids) :]))
        else:
            ids = lm.tok_encode(continuation, add_special_tokens=False)
            starts_with_prefix = bool(ids) and ids[0] == lm.prefix_token_id
            encoded.append((ids[:1], ids[1:]) if starts_with_prefix else ([lm.prefix_token_id], ids))
    return encoded


def _move_trailing_spaces(context: str, continuation: str) -> tuple[str, str]:
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation
