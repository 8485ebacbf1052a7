"""Values of the options for generation: arguments of a chat template, and token limits by benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import parsers

# The limit that the model's generation_config.json states.
MODEL: Final = "model"


def template_arguments(location: str, value: Any) -> tuple[str, ...]:
    """Read `KEY=VALUE`, a list of those, or a table into "KEY=JSON", ordered by key; raise UsageProblem for anything else.

    A value that is JSON (true, 3, "text") is what it says; any other is a text.
    """
    pairs = (
        [(key, json.dumps(one, sort_keys=True)) for key, one in value.items()] if isinstance(value, Mapping) else _pairs(location, value)
    )
    found: dict[str, str] = {}
    for key, one in pairs:
        if not key.isidentifier():
            raise UsageProblem(f"unicomp: {location} is {value!r}; expected KEY=VALUE, for example enable_thinking=true.")
        if found.setdefault(key, one) != one:
            raise UsageProblem(f"unicomp: {location} gives {key} twice, as {found[key]} and as {one}; leave one out.")
    return tuple(f"{key}={found[key]}" for key in sorted(found))


def as_arguments(given: Sequence[str]) -> dict[str, Any]:
    """Return the arguments that `template_arguments` read, by name."""
    return {key: json.loads(value) for key, _, value in (one.partition("=") for one in given)}


def limits(location: str, value: Any) -> tuple[str, ...]:
    """Read `N`, `model`, `BENCHMARK=N` or `BENCHMARK=model`, or a list or comma-separated list of those; raise UsageProblem for anything else."""
    parts = value if isinstance(value, list | tuple) else [value]
    found: dict[str, str] = {}
    for part in (piece.strip() for one in parts for piece in str(one).split(",")):
        name, separator, number = part.rpartition("=")
        if bool(separator) != bool(name) or (number != MODEL and not _is_count(number)):
            raise UsageProblem(
                f"unicomp: {location} is {value!r}; expected a number of tokens, model, or BENCHMARK=N, for example gsm8k=4096."
            )
        found[name] = number
    return tuple(f"{name}={number}" if name else number for name, number in found.items())


def limit_of(given: Sequence[str], benchmark: str) -> tuple[str, ...]:
    """Return the one limit that holds for a benchmark: its own, else that of the run; empty if there is none."""
    named = {one.rpartition("=")[0]: one.rpartition("=")[2] for one in given}
    chosen = named.get(benchmark, named.get(""))
    return () if chosen is None else (chosen,)


def limited_benchmarks(given: Sequence[str]) -> list[str]:
    """Return the benchmarks that have a limit of their own."""
    return [name for one in given if (name := one.rpartition("=")[0])]


def _pairs(location: str, value: Any) -> list[tuple[str, str]]:
    found = []
    for text in parsers.texts(location, value):
        key, separator, stated = text.partition("=")
        if not separator:
            raise UsageProblem(f"unicomp: {location} is {text!r}; expected KEY=VALUE, for example enable_thinking=true.")
        found.append((key.strip(), _as_json(stated.strip())))
    return found


def _as_json(text: str) -> str:
    try:
        # NaN is no JSON, though Python reads it.
        return json.dumps(json.loads(text, parse_constant=_refuse), sort_keys=True)
    except ValueError:
        return json.dumps(text)


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= len(text) <= 10 and 1 <= int(text) <= parsers.LARGEST
