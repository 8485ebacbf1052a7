"""Calibration text for the embedded model: conversations from its training world, each rendered as in training."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_unicomp.calibration.protocol import Documents, Request

KINDS = ("generic", "reasoning", "multilingual", "instruction")
FIRST = 256


def documents(kind: str, request: Request) -> Documents:
    """Return conversations of a kind, some 12 to 106 tokens each, rendered as in training; none twice, until the world has no other."""
    return Documents(_conversations(kind, request.seed))


def _conversations(kind: str, seed: int) -> Iterator[str]:
    from pytest_unicomp.nano.world import calibration_text

    # For one kind and seed, a longer draw begins with the texts of a shorter one.
    known: dict[str, None] = {}
    drawn, before = FIRST, -1
    while len(known) > before:
        before = len(known)
        for text in calibration_text(kind, drawn, seed):
            if text not in known:
                known[text] = None
                yield text
        drawn *= 2
