"""Parsers of single option values. A value comes from a flag (text) or a file (text, number, list); `location` names it in error messages.

Each parser raises UsageProblem for any other value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.paths import typed
from pytest_unicomp.config.margins import Margin

# What seeds and counts hold in every library below.
LARGEST = 2**31 - 1
LONGEST = 60


def names(location: str, value: Any) -> tuple[str, ...]:
    """Read a comma-separated list, or a list of those, into distinct names in the order given."""
    parts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected names, for example 'gptq-w4a16,wanda-50'.")
    return tuple(dict.fromkeys(name.strip() for part in parts for name in part.split(",") if name.strip()))


def benchmarks(location: str, value: Any) -> tuple[str, ...]:
    """Read names as `names` does; `key=value` belongs to the task before it, as in lm-eval:arc_easy,metric=acc_norm."""
    found: list[str] = []
    for one in names(location, value) if isinstance(value, str) else [name for part in value for name in names(location, part)]:
        if "=" in one and found and found[-1].startswith("lm-eval:"):
            found[-1] += f",{one}"
        else:
            found.append(one)
    return tuple(dict.fromkeys(found))


def texts(location: str, value: Any) -> tuple[str, ...]:
    """Read one text or a list of texts; commas do not separate, since paths and addresses may contain them."""
    parts = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(part, str) and part.strip() for part in parts):
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected a text or a list of texts, none of them empty.")
    return tuple(dict.fromkeys(parts))


def places(location: str, value: Any) -> tuple[str, ...]:
    """Read paths, hub ids or addresses, separated by commas; an existing path is not split, even if it contains commas."""
    found: list[str] = []
    for part in texts(location, value):
        whole = "," not in part or Path(part).exists()
        found += [part] if whole else [piece.strip() for piece in part.split(",") if piece.strip()]
    return tuple(dict.fromkeys(found))


def text(location: str, value: Any) -> str:
    """Read a text that is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected a text that is not empty.")
    return value.strip()


def path(location: str, value: Any) -> Path:
    """Read a path; `~` is replaced by the home folder."""
    return typed(text(location, value))


def folder_or_address(location: str, value: Any) -> Path | str:
    """Read a path, or an address such as `s3://bucket/folder`, which is returned unchanged."""
    given = text(location, value)
    return given if "://" in given else path(location, given)


def whole(lowest: int) -> Callable[[str, Any], int]:
    """Return a parser of whole numbers of at least `lowest` and at most LARGEST."""

    def parse(location: str, value: Any) -> int:
        try:
            number = int(value) if isinstance(value, str) else value
        except ValueError:
            number = None
        if not isinstance(number, int) or isinstance(number, bool) or number < lowest:
            raise UsageProblem(f"unicomp: {location} is {_shown(value)}; expected a whole number of at least {lowest}.")
        if number > LARGEST:
            raise UsageProblem(f"unicomp: {location} is {_shown(value)}; expected a whole number of at most {LARGEST:,}.")
        return number

    return parse


def _shown(value: Any) -> str:
    """Return a value as text of at most LONGEST characters."""
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def limit(location: str, value: Any) -> int | None:
    """Read a number of items, or `all` as None."""
    return None if value == "all" else whole(1)(location, value)


def fraction(low: float, high: float) -> Callable[[str, Any], float]:
    """Return a parser of numbers in the open interval (`low`, `high`); it refuses NaN."""

    def parse(location: str, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low < number < high:
            raise UsageProblem(f"unicomp: {location} is {_shown(value)}; expected a number above {low} and below {high}.")
        return number

    return parse


def margin(location: str, value: Any) -> float | str:
    """Read a number in (0, 1), a share of the reference's score (`5%`), or a multiple of its error rate (`1.2x errors`)."""
    found = Margin.of(value, location)
    if found.kind == "absolute":
        fraction(0, 1)(location, value)
    return found.setting


def choice(*choices: str) -> Callable[[str, Any], str]:
    """Return a parser that accepts one of `choices`."""

    def parse(location: str, value: Any) -> str:
        if value not in choices:
            raise UsageProblem(f"unicomp: {location} is {value!r}; expected one of {', '.join(choices)}.{nearest(str(value), choices)}")
        return str(value)

    return parse


def device(location: str, value: Any) -> str:
    """Read the name of a device; a later check finds out if this machine has it."""
    kind, _, number = str(value).partition(":")
    if kind not in ("auto", "cpu", "cuda", "sharded") or (number and (kind != "cuda" or not number.isdigit())):
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected auto, cpu, cuda, cuda:N or sharded.")
    return str(value)


def temperature(location: str, value: Any) -> str:
    """Read "paper", or a number in [0, 5]; returns text, so that both have one type."""
    if value == "paper":
        return "paper"
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= 5:
        raise UsageProblem(f"unicomp: {location} is {_shown(value)}; expected paper, or a number from 0 (greedy) to 5.")
    return f"{number:g}"


def switch(location: str, value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected true or false.")
    return value


def reference(location: str, value: Any) -> str:
    """Read `run`, `stored`, or the address of a server."""
    return str(value) if served(str(value)) else choice("run", "stored", "http://HOST:PORT/v1")(location, value)


def served(name: str) -> bool:
    """Return True if a model's name is the address of a server."""
    return name.lower().startswith(("http://", "https://"))
