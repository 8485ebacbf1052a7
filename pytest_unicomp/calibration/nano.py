"""Calibration text for the embedded model: conversations from its own training world, one by one as it was trained to see them."""

from __future__ import annotations

from pytest_unicomp.calibration.request import Documents, Request

KINDS = ("generic", "reasoning", "multilingual", "instruction")


def documents(kind: str, request: Request) -> Documents:
    """Return `request.count` conversations of a kind, some 15 to 80 tokens each.

    They are not joined to fill `request.tokens`: the model was trained with every conversation hidden from its neighbours.
    """
    from pytest_unicomp.assets.nano.world import calibration_text

    return Documents(tuple(calibration_text(kind, request.count, request.seed)))
