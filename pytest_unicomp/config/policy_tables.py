"""The tables of a policy (margins, limits, must-pass items), in a file or in one of its profiles: how they are read, and how two are joined."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import cost_limits, parsers
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.toml_lines import Key, Keys, Origin

Where = Callable[..., str]
# What profiles may hold too; it is joined with the file's own, name by name.
SHARED = {
    "margins": "margins by the name of a capability, benchmark, metric or recipe",
    "limits": "largest costs by the name of an efficiency benchmark",
    "must_pass": "item ids by benchmark",
}


def read(data: Mapping[str, Any], origin: Origin, place: Keys = ()) -> dict[str, Any]:
    """Return the tables that `data`, which stands at `place` in its file, gives; raise UsageProblem with file and line for the first wrong value.

    Limits that are written as sentences come back as a table. Whether names exist is asked when it is known what the run measures.
    """

    def where(*keys: Key) -> str:
        return origin.where(*place, *keys)

    found: dict[str, Any] = {}
    for name, what in SHARED.items():
        if name == "limits" and isinstance(data.get(name), list):
            found[name] = _sentences(data[name], where)
        elif name in data:
            found[name] = required(data[name], where(name), what)
    for keys, margin in _margins(found.get("margins", {})):
        Margin.of(margin, where("margins", *keys))
    if not isinstance(data.get("limits"), list):
        cost_limits.require_readable(found.get("limits", {}), where)
    if "must_pass" in found:
        found["must_pass"] = {name: _items(where("must_pass", name), entry) for name, entry in found["must_pass"].items()}
    return found


def required(value: Any, where: str, what: str) -> Mapping[str, Any]:
    """Return a value that is a table of `what`; raise UsageProblem for any other."""
    if not isinstance(value, Mapping):
        raise UsageProblem(f"unicomp: {where} is {value!r}; expected a table of {what}.")
    return value


def _margins(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from (((name, inner), margin) for inner, margin in value.items())
        else:
            yield (name,), value


def _sentences(lines: list[Any], where: Where) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        for name, rest in cost_limits.sentences([line], where("limits", number)).items():
            cost_limits.limits(name, rest, where("limits", number))
            found.setdefault(name, []).extend(rest)
    return found


def _items(where: str, entry: Any) -> tuple[str, ...]:
    if isinstance(entry, list | tuple) and not entry:
        raise UsageProblem(f"unicomp: {where} is []; expected ids of items or patterns, one at least; without any, leave the line out.")
    return parsers.texts(where, entry)


def joined(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of both: of one name the second's value stands, but a recipe's margins are joined in turn, and must-pass items united."""
    found: dict[str, Any] = {}
    for table in SHARED:
        if table in first or table in second:
            one, other = first.get(table, {}), second.get(table, {})
            both = {name: _both(table, one[name], other[name]) for name in one if name in other}
            found[table] = {**one, **other, **both}
    return found


def _both(table: str, one: Any, other: Any) -> Any:
    if table == "must_pass":
        return tuple(dict.fromkeys((*one, *other)))
    return {**one, **other} if table == "margins" and isinstance(one, Mapping) and isinstance(other, Mapping) else other


def places(data: Mapping[str, Any], place: Keys = ()) -> dict[Keys, Keys]:
    """Return where each entry of the tables stands in the file, `data` being at `place`: by the entry's keys, its full ones there.

    A limit that is one of several for its benchmark has its number as last key, and so has one that is written as a sentence.
    """
    found: dict[Keys, Keys] = {}
    for table in SHARED:
        given = data.get(table, {})
        for name, value in given.items() if isinstance(given, Mapping) else []:
            found[table, name] = (*place, table, name)
            inner: Any = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
            found |= {(table, name, key): (*place, table, name, key) for key in inner}
    counts: dict[str, int] = {}
    for number, line in enumerate(data["limits"] if isinstance(data.get("limits"), list) else []):
        name = str(line).strip().partition(" ")[0]
        found["limits", name, counts.get(name, 0)] = found["limits", name] = (*place, "limits", number)
        counts[name] = counts.get(name, 0) + 1
    return found
