"""Finds, parses and validates the configuration file: unicomp.toml, or the table [tool.unicomp] of pyproject.toml."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.foreign import LARGEST_TOML, ForeignFile, read_text, require_numbers, toml_value
from pytest_unicomp.config.policy_tables import SHARED
from pytest_unicomp.config.settings import options
from pytest_unicomp.config.toml_lines import NO_FILE, Keys, TomlLocations

RECIPES: Final = "recipes"
BENCHMARKS: Final = "benchmarks"
WAIVERS: Final = "waivers"
OWN_PROFILES: Final = "profiles"
CANDIDATES: Final = "candidates"
TABLES: Final[Mapping[str, str]] = {
    RECIPES: "recipes by name",
    BENCHMARKS: "benchmarks by name",
    CANDIDATES: "options by candidate",
    **SHARED,
}


def read_file(path: Path, *, table: str = "") -> tuple[dict[str, Any], TomlLocations]:
    """Read option values from a TOML file, at its top level or in a dotted `table`; raise UsageProblem naming file and line."""
    try:
        text = read_text(path, LARGEST_TOML)
    except ForeignFile as error:
        raise UsageProblem(f"unicomp: {path} cannot be read as TOML: it {error.found}.") from error
    data = toml_value(text, path)
    parts = table.split(".") if table else []
    for depth, part in enumerate(parts, start=1):
        data = data.get(part, {})
        if not isinstance(data, Mapping):
            raise UsageProblem(f"unicomp: {TomlLocations(str(path), text).location(*parts[:depth])} is {data!r}; expected a table.")
    require_numbers(data, path)
    locations = TomlLocations(str(path), text, table)
    require_known(data, (*(option.name for option in options()), *TABLES, OWN_PROFILES, WAIVERS), locations)
    return data, locations


def require_known(data: Mapping[str, Any], known: Iterable[str], locations: TomlLocations, inside: Keys = ()) -> None:
    """Raise UsageProblem, with file and line, for the first key of the table with the keys `inside` that is not among `known`."""
    known = tuple(known)
    for key in data:
        if key not in known:
            raise UsageProblem(f"unicomp: {locations.location(*inside, key)}: no option named {key!r}.{nearest(key, known)}")


def configuration(named: Path | None, folders: Iterable[Path]) -> tuple[dict[str, Any], TomlLocations]:
    """Return the values of the file `named`, or else of the first unicomp.toml or [tool.unicomp] in `folders`, and the lines of their keys."""
    if named is not None:
        return read_file(named)
    for folder in dict.fromkeys(folders):
        own, project = folder / "unicomp.toml", folder / "pyproject.toml"
        if own.is_file():
            return read_file(own)
        if project.is_file() and _has_settings(project):
            return read_file(project, table="tool.unicomp")
    return {}, NO_FILE


def _has_settings(project: Path) -> bool:
    """Return True if a pyproject.toml has a table tool.unicomp, or mentions unicomp and cannot be read, which must be reported."""
    try:
        raw = read_text(project, LARGEST_TOML)
        tool = toml_value(raw, project).get("tool", {}) if "unicomp" in raw else {}
    except ForeignFile:
        return True
    return not isinstance(tool, Mapping) or "unicomp" in tool
