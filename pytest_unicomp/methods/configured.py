"""The recipes of a run: the registry's, and those that the configuration file defines as data under `recipes`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.protocols import Method
from pytest_unicomp.api.registry import Table, methods
from pytest_unicomp.config.config_file import configuration
from pytest_unicomp.config.toml_lines import NO_FILE, Key, Keys, TomlLocations
from pytest_unicomp.methods.composition import Composition

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class _Place:
    """The place of a definition, or of a step of one, in its file."""

    locations: TomlLocations
    keys: Keys

    def problem(self, message: str, *keys: Key) -> UsageProblem:
        place = f"{self.locations.location(*self.keys, *keys)}: " if self.locations.path else ""
        return UsageProblem(f"unicomp: {place}{message}")


def here() -> Table[Method]:
    """Return the registry's recipes and those of the configuration file in the current folder."""
    file, locations = configuration(None, (Path.cwd(),))
    return table(file.get("recipes", {}), locations)


def table(defined: Mapping[str, Any], locations: TomlLocations = NO_FILE) -> Table[Method]:
    """Return the registry's recipes and the defined ones; `locations` has the lines of the definitions.

    A definition is a table with `method` and any of its settings, or a list of at least two steps, each the name of a recipe or such a
    table; steps may name earlier definitions. Raises UsageProblem for the first error.
    """
    known = methods()
    entries = dict(known.entries)
    for name, definition in defined.items():
        place = _Place(locations, ("recipes", name))
        if not NAME.fullmatch(name):
            raise place.problem(f"recipe {name!r} has a name that cannot be a folder's; use letters, digits, '-', '_' and '.'.")
        if name in known:
            raise place.problem(f"recipe {name!r} exists already, and the configuration defines it anew; choose another name.")
        entries[name] = _entry(name, definition, Table(known.what, known.command, entries), place)
    return Table(known.what, known.command, entries)


def _entry(name: str, definition: Any, known: Table[Method], place: _Place) -> Method:
    if isinstance(definition, Mapping):
        return _configured(name, definition, place)
    if isinstance(definition, list) and len(definition) > 1:
        return _composed(name, definition, known, place)
    raise place.problem(
        f'recipe {name!r} is {definition!r}; expected a table such as {{method = "rtn", bits = 2}} or a list of two or more steps.'
    )


def _configured(name: str, definition: Mapping[str, Any], place: _Place) -> Method:
    kinds = {entry.method: type(entry) for entry in methods().values()}
    chosen = definition.get("method")
    if "method" not in definition:
        classes: list[Any] = list(kinds.values())
        settings = {"method", *(field.name for one in classes for field in fields(one) if field.init)}
        strange = [key for key in definition if key not in settings]
        meant = f"; {strange[0]!r} is no setting of any method.{nearest(strange[0], settings)}" if strange else "."
        raise place.problem(f'recipe {name!r} names no method; expected method = "..." with one of {", ".join(kinds)}{meant}', *strange[:1])
    if not isinstance(chosen, str) or chosen not in kinds:
        raise place.problem(
            f"recipe {name!r} has method {chosen!r}; expected one of {', '.join(kinds)}.{nearest(str(chosen), kinds)}", "method"
        )
    kind: Any = kinds[chosen]
    defaults = {field.name: field.default for field in fields(kind) if field.init}
    given = {key: value for key, value in definition.items() if key != "method"}
    for key, value in given.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise place.problem(f"recipe {name!r}: method {chosen!r} has no setting {key!r}; it has: {known}.{nearest(key, defaults)}", key)
        _require_type(name, key, value, defaults[key], place)
    made: Method = kind(**given)
    return made


def _require_type(name: str, key: str, value: Any, default: Any, place: _Place) -> None:
    if default is MISSING or default is None or type(value) is type(default) or (type(default) is float and type(value) is int):
        return
    raise place.problem(f"recipe {name!r}: {key} is {value!r}; expected {type(default).__name__}, as in {key} = {default!r}.", key)


def _composed(name: str, definition: list[Any], known: Table[Method], place: _Place) -> Composition:
    steps: list[Method] = []
    for position, step in enumerate(definition, start=1):
        entry = _step(f"{name}, step {position}", step, known, _Place(place.locations, (*place.keys, position - 1)))
        if entry is None or isinstance(entry, Composition) or entry.family == "none":
            raise place.problem(
                f"recipe {name!r}: step {position} is {step!r}; expected the name of a recipe of one step that compresses, or a table with `method`.",
                position - 1,
            )
        if steps and steps[-1].family == "quantization":
            raise place.problem(f"recipe {name!r}: step {position} comes after a quantization, which must be the last step.", position - 1)
        steps.append(entry)
    return Composition(tuple(steps))


def _step(name: str, step: Any, known: Table[Method], place: _Place) -> Method | None:
    """Return the method of one step; None if it is neither a name nor a table."""
    if isinstance(step, Mapping):
        return _configured(name, step, place)
    if not isinstance(step, str):
        return None
    try:
        return known[step]
    except UsageProblem as unknown:
        raise place.problem(unknown.detail) from None
