"""The contract of the files in this folder: the request for a mixture's calibration text, and its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from pytest_unicomp.api.benchmark import Piece

Turns = tuple[Mapping[str, str], ...]
Text = str | Turns


@dataclass(frozen=True)
class Request:
    """Texts for blocks of `tokens` tokens, in an order drawn by `seed`; `bundle` is an offline folder in hub layout or None, `tokenizer`
    the model's."""

    tokens: int
    seed: int
    bundle: Path | None
    tokenizer: Any


@dataclass(frozen=True)
class Documents:
    """Texts: plain ones, or turns (role, content). The iterable is read only as far as needed, so it may be long or endless.

    `remark` appears in the report: where the texts come from, if that differs from the mixture's definition.
    """

    texts: Iterable[Text]
    remark: str = ""


class Mixture(Protocol):
    """A named kind of calibration text: a frozen dataclass."""

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the bundle lacks the data; cheap, imports nothing heavy, fetches nothing."""
        ...

    def documents(self, request: Request) -> Documents:
        """Return the texts, the same in the same order for the same request."""
        ...


@runtime_checkable
class Fetched(Protocol):
    """What a mixture also is if its texts come from the hub unless a bundle holds them."""

    def repositories(self) -> tuple[str, ...]:
        """Return the data sets of the hub that are read if there is no bundle."""
        ...

    def pieces(self) -> tuple[Piece, ...]:
        """Return what a bundle needs so that it holds the texts, or those that stand in for them."""
        ...


@runtime_checkable
class Substituted(Protocol):
    """What a mixture also is if a bundle may hold other data sets in place of those that it is made of."""

    def stand_ins(self) -> tuple[str, ...]:
        """Return those other data sets."""
        ...
