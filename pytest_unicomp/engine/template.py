"""Names a chat template by its content, so that measurements made with different templates are not compared."""

from __future__ import annotations

import hashlib
from typing import Any


def digest(tokenizer: Any) -> str:
    """Return the first 16 hex digits of the sha256 of the tokenizer's chat template, or "none" where it has none."""
    template = tokenizer.chat_template
    return hashlib.sha256(str(template).encode()).hexdigest()[:16] if template else "none"
