"""From the options that shape a measurement to the `Evaluation` that benchmarks receive, and their part of a measurement's key."""

from __future__ import annotations

from dataclasses import field, fields, make_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.config.option import Option
from pytest_unicomp.config.settings import Settings, shaping


def evaluation_of(settings: Settings) -> Evaluation:
    """Return how a run of these settings evaluates; a run and its workers must agree, or neither finds the measurements of the other."""
    measuring = _measuring(type(settings))
    return _type_of(measuring)(**{option.name: getattr(settings, option.name) for option in measuring})


def key_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return the options in the key of every measurement, as JSON values; the others are in a benchmark's identity, or resolved first (device)."""
    found = {option.name: getattr(evaluation, option.name, option.default) for option in _measuring() if option.keyed}
    return {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}


def _measuring(settings: type[Settings] | None = None) -> tuple[Option, ...]:
    return tuple(option for option in shaping(settings) if option.shapes == "measurement")


@cache
def _type_of(measuring: tuple[Option, ...]) -> type[Evaluation]:
    """Return `Evaluation`, or if options shape a measurement that it does not name, a subclass with a field for each of them."""
    named = {one.name for one in fields(Evaluation)}
    further = [(option.name, option.annotation, field(default=option.default)) for option in measuring if option.name not in named]
    return make_dataclass("Evaluation", further, bases=(Evaluation,), frozen=True) if further else Evaluation
