"""The declaration of an option: its flag, its key in a file, and what it shapes, kept with its field of `Settings`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field
from typing import Any, Literal

Parse = Callable[[str, Any], Any]
Shapes = Literal["artifact", "measurement", "verdict"]
Repeat = Literal["always", "changed", "never"]
_DECLARED = "declared"


@dataclass(frozen=True)
class Declared:
    """The declaration kept with a field; everything that lists options is derived from it.

    `shapes` is the earliest result that changes with the option, None if none does. An option that shapes a measurement is a field of the
    `Evaluation` that benchmarks receive, and part of the key under which a measurement is kept unless `keyed` is False. Every option that
    shapes something is in the report's policy unless `recorded` is False, and in the command that repeats a check: `repeat` says always, if
    its value is changed from the default or a profile sets it, or never. A `switch` is a flag without a value; a `table` has no flag at all.
    """

    help: str
    parse: Parse
    repeatable: bool = False
    switch: bool = False
    shapes: Shapes | None = None
    keyed: bool = True
    recorded: bool = True
    repeat: Repeat = "changed"
    table: bool = False


@dataclass(frozen=True, kw_only=True)
class Option(Declared):
    """A declared option with its name, the text of its type, and its default (None for a table)."""

    name: str
    annotation: str
    default: Any


def option(
    default: Any,
    parse: Parse,
    text: str,
    *,
    repeatable: bool = False,
    switch: bool = False,
    shapes: Shapes | None = None,
    keyed: bool = True,
    recorded: bool = True,
    repeat: Repeat = "changed",
) -> Any:
    """Declare an option as a field of `Settings`, as `Declared` describes; `parse` receives the flag or line of a value, and the value."""
    return field(default=default, metadata={_DECLARED: Declared(text, parse, repeatable, switch, shapes, keyed, recorded, repeat)})


def table(shapes: Shapes | None = None) -> Any:
    """Declare a table as a field: it is given in a file and has no flag."""
    return field(default_factory=dict, metadata={_DECLARED: Declared("", _as_it_is, shapes=shapes, table=True)})


def _as_it_is(_: str, value: Any) -> Any:
    return value


def declared(one: Field[Any]) -> Option | None:
    """Return the Option that a dataclass field declares, with the field's name and default; None for a field that is neither option nor table."""
    found: Declared | None = one.metadata.get(_DECLARED)
    if found is None:
        return None
    default = None if one.default is MISSING else one.default
    return Option(**vars(found), name=one.name, annotation=str(one.type), default=default)
