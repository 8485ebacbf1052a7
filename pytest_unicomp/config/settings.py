"""The options of a run, each declared once, in groups: a field of `Settings` is the flag `--unicomp-x-y`, the key `x_y` in a file, and what the run reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pytest_unicomp.config import parsers
from pytest_unicomp.config.option import Option, declared, option, table
from pytest_unicomp.config.options.acceptance import Acceptance
from pytest_unicomp.config.options.calibration_text import CalibrationText
from pytest_unicomp.config.options.generation import Generation
from pytest_unicomp.config.options.machine import Machine
from pytest_unicomp.config.options.replies import Replies
from pytest_unicomp.config.options.selection import Selection
from pytest_unicomp.config.options.serving import Serving
from pytest_unicomp.config.toml_lines import NO_FILE, Key, Keys, TomlLocations
from pytest_unicomp.config.waivers import Waiver


# The last base has the first options: a record lists inherited fields in the reverse of the order in which it looks them up.
@dataclass(frozen=True)
class Settings(Serving, Generation, Replies, Machine, Acceptance, CalibrationText, Selection):
    """The resolved options of one run. Without a model the plugin is inert."""

    report: tuple[str, ...] = option((), parsers.places, "file to write the report to: .json, .html or .md", repeatable=True)
    recipes: Mapping[str, Any] = table()
    benchmarks: Mapping[str, Any] = table()
    waivers: tuple[Waiver, ...] = ()
    locations: TomlLocations = field(default=NO_FILE, repr=False)
    # The values of the file itself, under (), and of each of its profiles, chosen or not, under ("profiles", NAME).
    file_layers: Mapping[Keys, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    # The keys in the file of each entry of the merged tables, for error messages.
    file_keys: Mapping[Keys, Keys] = field(default_factory=dict, repr=False)

    def location(self, *keys: Key) -> str:
        """Return file and line of an entry, "FILE:LINE: margins.reasoning"; an entry that comes from a profile has the line there."""
        return self.locations.location(*self.file_keys.get(keys, keys))


def options(settings: type[Settings] | None = None) -> tuple[Option, ...]:
    """Return the declarations of all options that have a flag, in the order of `Settings`, or of the class that is given."""
    return tuple(found for found in _all_declared(settings) if not found.table)


def shaping(settings: type[Settings] | None = None) -> tuple[Option, ...]:
    """Return the declarations of the options and tables that shape an artifact, a measurement or a verdict."""
    return tuple(found for found in _all_declared(settings) if found.shapes is not None)


def recorded(settings: Settings) -> dict[str, Any]:
    """Return the options that a report's policy records: those that shape a verdict or measurement, without machine-specific ones."""
    return {found.name: getattr(settings, found.name) for found in shaping(type(settings)) if found.recorded}


def _all_declared(settings: type[Settings] | None) -> list[Option]:
    return [found for one in fields(settings or Settings) if (found := declared(one)) is not None]


def flag(name: str) -> str:
    """Return the flag of an option: `limit` -> `--unicomp-limit`."""
    return "--unicomp-" + name.replace("_", "-")


def destination(name: str) -> str:
    """Return the attribute under which pytest keeps the flag's value; prefixed, so that no other plugin collides."""
    return "unicomp_" + name
