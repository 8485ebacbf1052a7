"""The policy tables `margins`, `limits`, `reply_limits` and `must_pass`, of a file or of a profile in it: reading, and merging two of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.config import cost_limits, parsers, reply_limits
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.toml_lines import Key, Keys, TomlLocations

Locate = Callable[..., str]
# The tables that a profile may hold too; they are merged with those of the file, name by name.
SHARED = {
    "margins": "margins by the name of a capability, benchmark, metric or recipe",
    "limits": "largest costs by the name of an efficiency benchmark",
    "reply_limits": "limits on replies, and of such tables by the name of a benchmark or capability",
    "must_pass": "item ids by benchmark",
}


def read(data: Mapping[str, Any], locations: TomlLocations, inside: Keys = ()) -> dict[str, Any]:
    """Return the policy tables in `data`, which has the keys `inside` in its file; raise UsageProblem, with file and line, for the first wrong value.

    Limits written as sentences are returned as a table. The names are checked once it is known what the run measures.
    """

    def locate(*keys: Key) -> str:
        return locations.location(*inside, *keys)

    found: dict[str, Any] = {}
    for name, what in SHARED.items():
        if name == "limits" and isinstance(data.get(name), list):
            found[name] = _sentences(data[name], locate)
        elif name in data:
            found[name] = required(data[name], locate(name), what)
    for keys, margin in _margins(found.get("margins", {})):
        Margin.of(margin, locate("margins", *keys))
    if not isinstance(data.get("limits"), list):
        cost_limits.require_readable(found.get("limits", {}), locate)
    reply_limits.require_readable(found.get("reply_limits", {}), locate)
    if "must_pass" in found:
        found["must_pass"] = {name: _items(locate("must_pass", name), entry) for name, entry in found["must_pass"].items()}
    return found


def required(value: Any, location: str, what: str) -> Mapping[str, Any]:
    """Return a value that is a table of `what`; raise UsageProblem for anything else."""
    if not isinstance(value, Mapping):
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected a table of {what}.")
    return value


def _margins(table: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from (((name, inner), margin) for inner, margin in value.items())
        else:
            yield (name,), value


def _sentences(lines: list[Any], locate: Locate) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        for name, rest in cost_limits.sentences([line], locate("limits", number)).items():
            cost_limits.read(name, rest, locate("limits", number))
            found.setdefault(name, []).extend(rest)
    return found


def _items(location: str, entry: Any) -> tuple[str, ...]:
    if isinstance(entry, list | tuple) and not entry:
        raise UsageProblem(f"unicomp: {location} is []; expected at least one item id or pattern; without any, leave the line out.")
    return parsers.texts(location, entry)


def merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of both: the second's value wins, but tables inside them are merged too, and must-pass items are united."""
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
    return {**one, **other} if isinstance(one, Mapping) and isinstance(other, Mapping) else other


def file_keys(data: Mapping[str, Any], inside: Keys = ()) -> dict[Keys, Keys]:
    """Return the keys that each entry of the tables has in the file, by its keys in the merged tables; `data` has the keys `inside`.

    If a benchmark has several limits, the last key of each is its position; a limit written as a sentence has a position too.
    """
    found: dict[Keys, Keys] = {}
    for table in SHARED:
        given = data.get(table, {})
        for name, value in given.items() if isinstance(given, Mapping) else []:
            found[table, name] = (*inside, table, name)
            inner: Any = value if isinstance(value, Mapping) else range(len(value)) if isinstance(value, list) else ()
            found |= {(table, name, key): (*inside, table, name, key) for key in inner}
    counts: dict[str, int] = {}
    for number, line in enumerate(data["limits"] if isinstance(data.get("limits"), list) else []):
        name = str(line).strip().partition(" ")[0]
        found["limits", name, counts.get(name, 0)] = found["limits", name] = (*inside, "limits", number)
        counts[name] = counts.get(name, 0) + 1
    return found
