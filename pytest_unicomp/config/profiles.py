"""Profiles: named sets of option values. Four are built in; `[profiles.NAME]` in the configuration file defines others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config.toml_lines import TomlLocations

BASE: Final = "extends"
PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "smoke": {"recipe": ("rtn-w8a16", "gptq-w4a16"), "limit": 300, "margin": 0.05, "inconclusive": "warn"},
    "standard": {"limit": 1000, "margin": 0.03},
    "release": {"limit": None, "margin": 0.02, "drift": "on"},
    # What the paper measures, on all items. Distillation takes days, so it runs only if it is named.
    "paper": {
        "recipe": ("wanda-50", "wanda-2of4", "sparsegpt-50", "sparsegpt-2of4", "gptq-w4a16", "awq-w4a16", "smoothquant-w8a8"),
        "benchmark": ("paper", "efficiency"),
        "limit": None,
        "temperature": "paper",
    },
}


def layers(name: str, defined: Any, locations: TomlLocations, location: str) -> list[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """Return the settings of a profile and of those that it extends, the built-in one first, each with its keys in the file (() if built in).

    `location` names the flag or line that chose the profile. Raises UsageProblem for a name that is neither built in nor defined, for a
    definition that is not a table, and for profiles that extend each other in a circle.
    """
    if not isinstance(defined, Mapping):
        raise UsageProblem(f"unicomp: {locations.location('profiles')} is {defined!r}; expected tables by name, [profiles.NAME].")
    for own, table in defined.items():
        if own in PROFILES:
            raise UsageProblem(
                f"unicomp: {locations.location('profiles', own)}: {own} is a built-in profile; expected another name, with extends = {own!r}."
            )
        if not isinstance(table, Mapping):
            raise UsageProblem(f"unicomp: {locations.location('profiles', own)} is {table!r}; expected a table of options.")
        if BASE in table:
            _require_known(table[BASE], defined, locations.location("profiles", own, BASE))
    chains = {own: _chain(own, defined, locations) for own in defined}
    _require_known(name, defined, location)
    base, *own_ones = chains.get(name, [name])
    found: list[tuple[Mapping[str, Any], tuple[str, ...]]] = [(PROFILES[base], ())]
    return [*found, *(({key: value for key, value in defined[own].items() if key != BASE}, ("profiles", own)) for own in own_ones)]


def _chain(name: str, defined: Mapping[str, Any], locations: TomlLocations) -> list[str]:
    """Return the names of a profile and of those that it extends; the first is built in."""
    chain: list[str] = []
    while name in defined:
        if name in chain:
            raise UsageProblem(
                f"unicomp: {locations.location('profiles', name)}: profiles extend each other in a circle: {' -> '.join(chain)}."
            )
        chain.append(name)
        name = defined[name].get(BASE, "standard")
    return [name, *reversed(chain)]


def _require_known(name: Any, defined: Mapping[str, Any], location: str) -> None:
    known: Sequence[str] = [*PROFILES, *defined]
    if name not in known:
        raise UsageProblem(f"unicomp: {location} is {name!r}; expected one of {', '.join(known)}.{nearest(str(name), known)}")
