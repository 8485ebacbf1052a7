"""Render calibration texts: plain, in the model's chat template, and several sources in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.calibration.protocol import Text


def plain(text: Text) -> str:
    """Return the words without roles: turns become paragraphs."""
    return text if isinstance(text, str) else "\n\n".join(turn["content"] for turn in text)


def in_own_form(text: Text, tokenizer: Any) -> str:
    """Return plain text unchanged, and turns in the tokenizer's chat template, or as paragraphs if it has none."""
    return plain(text) if isinstance(text, str) or not has_template(tokenizer) else render(tokenizer, text)


def user_turn(content: str, tokenizer: Any) -> str:
    """Return content as one user turn in the chat template, or unchanged if there is none."""
    return in_own_form(({"role": "user", "content": content},), tokenizer)


def has_template(tokenizer: Any) -> bool:
    """Return True if the tokenizer has a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: Any, turns: Sequence[Mapping[str, str]]) -> str:
    """Render turns in the tokenizer's chat template; raise UsageProblem if the template refuses their roles or order."""
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template([dict(turn) for turn in turns], tokenize=False))
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in turns)
        raise UsageProblem(
            f"unicomp: the model's chat template refuses calibration turns with the roles {roles} ({error}); change them or give plain text."
        ) from error


def round_robin(columns: Sequence[Iterable[Text]]) -> Iterable[Text]:
    """Yield one text of each column in turn until all columns are empty."""
    iterators = [iter(column) for column in columns]
    while iterators:
        remaining = []
        for iterator in iterators:
            for text in iterator:
                yield text
                remaining.append(iterator)
                break
        iterators = remaining
