"""All recipes of a run: the registry's, and those that the configuration file defines as data under `recipes`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.methods.composition import Composition
from pytest_unicomp.registry import Method, Table, methods

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def table(defined: Mapping[str, Any]) -> Table[Method]:
    """Return the registry's recipes and the defined ones.

    A definition is a table with `method` and any of its settings, or a list of at least two steps, each the name of a recipe or such a
    table; steps may name definitions that come before. Raises UsageProblem for the first thing that is wrong.
    """
    known = methods()
    entries = dict(known.entries)
    for name, definition in defined.items():
        if not NAME.fullmatch(name):
            raise UsageProblem(f"unicomp: recipe {name!r} has a name that cannot be a folder's; use letters, digits, '-', '_' and '.'.")
        if name in known:
            raise UsageProblem(f"unicomp: recipe {name!r} exists already, and the configuration defines it anew; choose another name.")
        entries[name] = _entry(name, definition, Table(known.what, known.command, entries))
    return Table(known.what, known.command, entries)


def _entry(name: str, definition: Any, known: Table[Method]) -> Method:
    if isinstance(definition, Mapping):
        return _configured(name, definition)
    if isinstance(definition, list) and len(definition) > 1:
        return _composed(name, definition, known)
    raise UsageProblem(
        f'unicomp: recipe {name!r} is {definition!r}; expected a table such as {{method = "rtn", bits = 2}} or a list of two or more steps.'
    )


def _configured(name: str, definition: Mapping[str, Any]) -> Method:
    kinds = {entry.method: type(entry) for entry in methods().values()}
    chosen = definition.get("method")
    if not isinstance(chosen, str) or chosen not in kinds:
        raise UsageProblem(
            f"unicomp: recipe {name!r} has method {chosen!r}; expected one of {', '.join(kinds)}.{nearest(str(chosen), kinds)}"
        )
    kind: Any = kinds[chosen]
    defaults = {field.name: field.default for field in fields(kind) if field.init}
    given = {key: value for key, value in definition.items() if key != "method"}
    for key, value in given.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise UsageProblem(
                f"unicomp: recipe {name!r}: method {chosen!r} has no setting {key!r}; it has: {known}.{nearest(key, defaults)}"
            )
        _require_type(name, key, value, defaults[key])
    made: Method = kind(**given)
    return made


def _require_type(name: str, key: str, value: Any, default: Any) -> None:
    if default is MISSING or default is None or type(value) is type(default) or (type(default) is float and type(value) is int):
        return
    raise UsageProblem(f"unicomp: recipe {name!r}: {key} is {value!r}; expected {type(default).__name__}, as in {key} = {default!r}.")


def _composed(name: str, definition: list[Any], known: Table[Method]) -> Composition:
    steps: list[Method] = []
    for position, step in enumerate(definition, start=1):
        entry = (
            known[step] if isinstance(step, str) else _configured(f"{name}, step {position}", step) if isinstance(step, Mapping) else None
        )
        if entry is None or isinstance(entry, Composition) or entry.family == "none":
            raise UsageProblem(
                f"unicomp: recipe {name!r}: step {position} is {step!r}; expected the name of a recipe of one step that compresses, or a table with `method`."
            )
        if steps and steps[-1].family == "quantization":
            raise UsageProblem(f"unicomp: recipe {name!r}: step {position} comes after a quantization, which must be the last step.")
        steps.append(entry)
    return Composition(tuple(steps))
