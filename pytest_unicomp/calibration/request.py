"""What a mixture is asked for and what it hands back: the contract of the files in this folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Request:
    """`count` documents for documents of at most `tokens` tokens, sampled by `seed`; `bundle` is an offline folder in hub layout or None,
    `tokenizer` that of the model."""

    count: int
    tokens: int
    seed: int
    bundle: Path | None
    tokenizer: Any


@dataclass(frozen=True)
class Documents:
    """The texts, and where they come from where that differs from the mixture's own definition (shown in the report), else ""."""

    texts: tuple[str, ...]
    remark: str = ""


class Mixture(Protocol):
    """A named kind of calibration text: a frozen dataclass."""

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the bundle lacks the data; cheap, imports nothing heavy, fetches nothing."""
        ...

    def documents(self, request: Request) -> Documents:
        """Return at most `request.count` documents, the same for the same request; fewer where the data holds no more."""
        ...


def chat(tokenizer: Any, messages: Sequence[dict[str, str]]) -> str:
    """Render messages (role, content) in the tokenizer's chat template, or as paragraphs where it has none."""
    if getattr(tokenizer, "chat_template", None):
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False))
    return "\n\n".join(message["content"] for message in messages)
