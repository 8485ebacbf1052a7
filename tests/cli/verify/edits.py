"""Every single edit of a JSON document: one leaf at a time, changed to another value that its record still accepts."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pytest_unicomp.api.records import Report

WORDS = ("pass", "fail", "error", "quantization", "pruning", "performance", "efficiency", "candidate", "both", "retention", "rate", "equal")
OTHERS: dict[type, tuple[Any, ...]] = {
    type(None): (0.5, 1, "x", True, ["x"], {"x": 1}),
    list: (["x"], [1]),
    dict: ({"x": 1}, {"x": "x"}, {"x": 0.5}),
}


@dataclass(frozen=True)
class Edit:
    """A report with one leaf changed: its path, and its path without places in lists and without names of free mappings' entries."""

    path: str
    shape: str
    report: Report


def edits(document: dict[str, Any], *, only_first: bool) -> Iterator[Edit]:
    """Yield an edit of each leaf, or of the first leaf of each shape; a leaf that no other value fits is refused when it is read."""
    places = list(_leaves(document, ()))
    if only_first:
        places = list({_shape(place): place for place in reversed(places)}.values())
    for place in places:
        report = _edited(document, place)
        if report is not None:
            yield Edit(_path(place), _shape(place), report)


def _leaves(value: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    entries = list(entries)
    if not entries:
        yield place
    for name, entry in entries:
        yield from _leaves(entry, (*place, name))


def _edited(document: dict[str, Any], place: Sequence[Any]) -> Report | None:
    whole = copy.deepcopy(document)
    parent: Any = whole
    for step in place[:-1]:
        parent = parent[step]
    before = parent[place[-1]]
    for other in _others(before):
        parent[place[-1]] = other
        try:
            return Report.model_validate(whole)
        except ValidationError:
            continue
    return None


def _others(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield from (value + 1, value * 0.9, value - 1, 0.123)
    elif isinstance(value, str):
        yield value + "x"
        yield from (word for word in WORDS if word != value)
    else:
        yield from OTHERS[type(value)]


def _path(place: Sequence[Any]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).lstrip(".")


def _shape(place: Sequence[Any]) -> str:
    return re.sub(r"\[\d+\]", "[]", _path(place))
