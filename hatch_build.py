"""Puts suites/ and baselines/ inside the package of a real wheel; an editable install uses those of the checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarrySuitesAndBaselines(BuildHookInterface):
    """Runs at build time only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the two folders unless the wheel is an editable one, which would otherwise hold copies that go stale."""
        if version != "editable":
            build_data["force_include"] |= {"suites": "pytest_unicomp/suites", "baselines": "pytest_unicomp/baselines"}
