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
    """A mixture whose texts are downloaded from the hub if there is no bundle."""

    def repositories(self) -> tuple[str, ...]:
        """Return the hub ids of the data sets that are read if there is no bundle."""
        ...

    def pieces(self) -> tuple[Piece, ...]:
        """Return the pieces that an offline bundle must hold: the texts themselves, or their substitute."""
        ...


@runtime_checkable
class Substituted(Protocol):
    """A mixture for which a bundle may hold substitute data sets."""

    def stand_ins(self) -> tuple[str, ...]:
        """Return the hub ids of the substitutes."""
        ...
