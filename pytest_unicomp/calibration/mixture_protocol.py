"""What a mixture is asked for and what it hands back: the contract of the files in this folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pytest_unicomp.api.errors import UsageProblem

Turns = tuple[Mapping[str, str], ...]
Text = str | Turns


@dataclass(frozen=True)
class Request:
    """Texts for blocks of `tokens` tokens, in an order drawn by `seed`; `bundle` is an offline folder in hub layout or None, `tokenizer`
    that of the model."""

    tokens: int
    seed: int
    bundle: Path | None
    tokenizer: Any


@dataclass(frozen=True)
class Documents:
    """Texts one by one: plain ones, or turns (role, content); and where they come from where that differs from the mixture's own definition.

    They are read as far as they are needed, so they may be many; equal parts of several sources come in turn. `remark` is shown in the report.
    """

    texts: Iterable[Text]
    remark: str = ""


class Mixture(Protocol):
    """A named kind of calibration text: a frozen dataclass."""

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the bundle lacks the data; cheap, imports nothing heavy, fetches nothing."""
        ...

    def documents(self, request: Request) -> Documents:
        """Return the texts, the same in the same order for the same request."""
        ...


def plain(text: Text) -> str:
    """Return the words alone: turns as paragraphs."""
    return text if isinstance(text, str) else "\n\n".join(turn["content"] for turn in text)


def written(text: Text, tokenizer: Any) -> str:
    """Return a text in its own form: plain text as it is, turns in the tokenizer's chat template (as paragraphs where it has none)."""
    return plain(text) if isinstance(text, str) or not has_template(tokenizer) else render(tokenizer, text)


def user_turn(content: str, tokenizer: Any) -> str:
    """Return content as one user turn in the chat template, or as it is where there is none."""
    return written(({"role": "user", "content": content},), tokenizer)


def has_template(tokenizer: Any) -> bool:
    """Say whether the tokenizer has a chat template."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: Any, turns: Sequence[Mapping[str, str]]) -> str:
    """Render turns in the tokenizer's chat template; raise UsageProblem where the template refuses their roles or order."""
    from jinja2 import TemplateError

    try:
        return str(tokenizer.apply_chat_template([dict(turn) for turn in turns], tokenize=False))
    except TemplateError as error:
        roles = ", ".join(turn["role"] for turn in turns)
        raise UsageProblem(
            f"unicomp: the model's chat template refuses calibration turns with the roles {roles} ({error}); change them or give plain text."
        ) from error


def in_turn(columns: Sequence[Iterable[Text]]) -> Iterable[Text]:
    """Yield one text of each column after the other until all are used up."""
    iterators = [iter(column) for column in columns]
    while iterators:
        remaining = []
        for iterator in iterators:
            for text in iterator:
                yield text
                remaining.append(iterator)
                break
        iterators = remaining
