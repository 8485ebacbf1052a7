"""Removes the API key from a server's responses, so that it appears in no message, report or log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SHOWN: Final = "[key]"
# Shorter texts occur in any answer.
SHORTEST: Final = 8


def without_key(text: str, headers: Mapping[str, str]) -> str:
    """Return `text` with the bearer key in `headers` replaced, if there is one."""
    key = headers.get("Authorization", "").removeprefix("Bearer ")
    return text.replace(key, SHOWN) if len(key) >= SHORTEST else text
