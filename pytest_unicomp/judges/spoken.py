"""What a reply says to its reader: without the reasoning that some models write before it."""

from __future__ import annotations

import re

_OPENED = re.compile(r"\s*<(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


def spoken(response: str) -> str:
    """Return what stands behind the last closing tag of reasoning; nothing where reasoning was opened and never closed, all where there is none.

    A chat template may open the block in the prompt, so that the reply holds the closing tag alone.
    """
    closed = list(_CLOSED.finditer(response))
    if closed:
        return response[closed[-1].end() :].lstrip()
    return "" if _OPENED.match(response) else response
