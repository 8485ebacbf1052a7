"""Calibration text for the embedded model: rows of conversations from its own training world, packed as in its training."""

from __future__ import annotations

from pytest_unicomp.calibration.request import Documents, Request

KINDS = ("generic", "reasoning", "multilingual", "instruction")
SHORTEST = 12


def documents(kind: str, request: Request) -> Documents:
    """Return `request.count` rows of whole conversations of a kind, each as many as fit into `request.tokens` tokens.

    Conversations of the micro-world have some 15 to 80 tokens: one by one they would calibrate on a tenth of the text asked for.
    """
    from pytest_unicomp.assets.nano.world import calibration_text

    conversations = calibration_text(kind, max(1, request.count * request.tokens // SHORTEST), request.seed)
    lengths = [len(ids) for ids in request.tokenizer(conversations, add_special_tokens=False)["input_ids"]]
    rows: list[list[str]] = [[]]
    room = request.tokens
    for conversation, length in zip(conversations, lengths, strict=True):
        if length > room and rows[-1]:
            if len(rows) == request.count:
                break
            rows.append([])
            room = request.tokens
        rows[-1].append(conversation)
        room -= length
    return Documents(tuple("".join(row) for row in rows))
