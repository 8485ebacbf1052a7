"""Merges flags, the configuration file and the chosen profile into `Settings`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pytest_unicomp.config import policy_tables, profiles, settings, waivers
from pytest_unicomp.config.config_file import OWN_PROFILES, RECIPES, TABLES, WAIVERS, require_known
from pytest_unicomp.config.policy_tables import SHARED
from pytest_unicomp.config.settings import Settings, flag, options
from pytest_unicomp.config.toml_lines import NOWHERE, Keys, Origin

NOT_IN_PROFILES: Final = ("model", "profile")


def resolve(flags: Mapping[str, Any], file: Mapping[str, Any] | None = None, *, origin: Origin = NOWHERE) -> Settings:
    """Merge flags over file over the profile's settings into Settings; raise UsageProblem for the first value that is wrong.

    A flag or key that is absent (or None, or an empty list from the command line) leaves the choice to the next place.
    """
    file = file or {}
    given = _read(file, origin)
    written: dict[Keys, Mapping[str, Any]] = {(): dict(given)}
    for option in options():
        value = flags.get(option.name)
        if value is not None and value != []:
            given[option.name] = option.parse(flag(option.name), value)
    own = file.get(OWN_PROFILES, {})
    named = flag("profile") if flags.get("profile") else origin.where("profile")
    layers = profiles.layers(given.get("profile", Settings.profile), own, origin, named)
    allowed = [*(option.name for option in options() if option.name not in NOT_IN_PROFILES), *SHARED, profiles.BASE]
    # Also those that are not chosen: a policy that is wrong is to be told of before the night it is needed.
    for name, table in own.items():
        require_known(table, allowed, origin, (OWN_PROFILES, name))
        written[OWN_PROFILES, name] = _read(table, origin, (OWN_PROFILES, name))
    chosen: dict[str, Any] = {}
    places: dict[Keys, Keys] = {}
    for layer, place in layers:
        chosen = _merged(chosen, written[place] if place else layer)
        places |= policy_tables.places(layer, place)
    if WAIVERS in file:
        given[WAIVERS] = waivers.read(file[WAIVERS], origin)
    chosen = _merged(chosen, given)
    resolved = settings.Settings(**chosen, origin=origin, written=written, places=places | policy_tables.places(file))
    return _completed(resolved, chosen, given)


def _read(data: Mapping[str, Any], origin: Origin, place: Keys = ()) -> dict[str, Any]:
    """Parse the options and tables that a file, or a profile in it, gives."""
    found: dict[str, Any] = {}
    for option in options():
        if option.name in data:
            where = origin.where(*place, option.name) if origin.path else f"{option.name} in the configuration file"
            found[option.name] = option.parse(where, data[option.name])
    if RECIPES in data:
        found[RECIPES] = policy_tables.required(data[RECIPES], origin.where(*place, RECIPES), TABLES[RECIPES])
    return {**found, **policy_tables.read(data, origin, place)}


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Return the second's settings over the first's; the tables of a policy are joined."""
    return {**first, **second, **policy_tables.joined(first, second)}


def _completed(settings: Settings, chosen: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
    """Settle what depends on other options; `given` by flags or file, `chosen` by profiles too."""
    if settings.candidate and "recipe" not in given:
        # Someone who hands over a checkpoint asks about that checkpoint, not about our own recipes.
        settings = replace(settings, recipe=())
    if settings.serve is not None and "backend" not in chosen:
        settings = replace(settings, backend="server")
    if settings.benchmark == ():
        settings = replace(settings, benchmark=("nano",) if settings.model == "nano" else ("performance", "efficiency"))
    if settings.drift == "auto" and ("baselines" in chosen or settings.update != "none"):
        # Whoever names a folder of baselines, or asks to write them, wants the comparison.
        settings = replace(settings, drift="on")
    return settings
