"""Merges flags, the configuration file and the chosen profile into `Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_unicomp.api.vocabulary import NANO_DEFAULT
from pytest_unicomp.config import evaluated_by, policy_tables, profiles, settings, waivers
from pytest_unicomp.config.config_file import BENCHMARKS, CANDIDATES, OWN_PROFILES, RECIPES, TABLES, WAIVERS, require_known
from pytest_unicomp.config.policy_tables import SHARED
from pytest_unicomp.config.settings import Settings, flag, options
from pytest_unicomp.config.toml_lines import NO_FILE, Keys, TomlLocations

NOT_IN_PROFILES: Final = ("model", "profile")


def resolve(flags: Mapping[str, Any], file: Mapping[str, Any] | None = None, *, locations: TomlLocations = NO_FILE) -> Settings:
    """Return the settings in which flags win over the file, and the file over the profile; raise UsageProblem for the first wrong value.

    An absent flag (also None, or an empty list) leaves the choice to the file, and an absent key leaves it to the profile. `locations` holds
    the lines of the file's keys, for error messages.
    """
    file = file or {}
    given = _read(file, locations)
    by_layer: dict[Keys, Mapping[str, Any]] = {(): dict(given)}
    for option in options():
        value = flags.get(option.name)
        if value is not None and value != []:
            given[option.name] = option.parse(flag(option.name), value)
    own = file.get(OWN_PROFILES, {})
    named = flag("profile") if flags.get("profile") else locations.location("profile")
    layers = profiles.layers(given.get("profile", Settings.profile), own, locations, named)
    allowed = [*(option.name for option in options() if option.name not in NOT_IN_PROFILES), *SHARED, profiles.BASE]
    # Profiles that are not chosen are checked too, so that a mistake shows before the night the profile is needed.
    for name, table in own.items():
        require_known(table, allowed, locations, (OWN_PROFILES, name))
        by_layer[OWN_PROFILES, name] = _read(table, locations, (OWN_PROFILES, name))
    chosen: dict[str, Any] = {}
    keys_in_file: dict[Keys, Keys] = {}
    for layer, inside in layers:
        chosen = _merged(chosen, by_layer[inside] if inside else layer)
        keys_in_file |= policy_tables.file_keys(layer, inside)
    if CANDIDATES in file:
        given[CANDIDATES] = evaluated_by.read(file[CANDIDATES], locations)
    if WAIVERS in file:
        given[WAIVERS] = waivers.read(file[WAIVERS], locations)
    chosen = _merged(chosen, given)
    resolved = settings.Settings(
        **chosen, locations=locations, file_layers=by_layer, file_keys=keys_in_file | policy_tables.file_keys(file)
    )
    return _completed(resolved, chosen, given)


def _read(data: Mapping[str, Any], locations: TomlLocations, inside: Keys = ()) -> dict[str, Any]:
    """Parse the options and tables of a file, or of the profile in it that has the keys `inside`."""
    found: dict[str, Any] = {}
    for option in options():
        if option.name in data:
            location = locations.location(*inside, option.name) if locations.path else f"{option.name} in the configuration file"
            found[option.name] = option.parse(location, data[option.name])
    for table in (RECIPES, BENCHMARKS):
        if table in data:
            found[table] = policy_tables.required(data[table], locations.location(*inside, table), TABLES[table])
    return {**found, **policy_tables.read(data, locations, inside)}


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return both, the second's values winning; policy tables are merged name by name."""
    return {**first, **second, **policy_tables.merged(first, second)}


def _completed(settings: Settings, chosen: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
    """Set what follows from other options: `given` holds those of flags and file, `chosen` also those of the profile."""
    if settings.candidate and "recipe" not in given:
        # Whoever names a checkpoint wants a verdict on that checkpoint, not on the default recipes.
        settings = replace(settings, recipe=())
    if settings.serve is not None and "backend" not in chosen:
        settings = replace(settings, backend="server")
    if settings.benchmark == ():
        settings = replace(settings, benchmark=(NANO_DEFAULT,) if settings.model == "nano" else ("performance", "efficiency"))
    if settings.drift == "auto" and ("baselines" in chosen or settings.update != "none"):
        # Whoever names a folder of baselines, or wants them written, wants the comparison.
        settings = replace(settings, drift="on")
    return settings
