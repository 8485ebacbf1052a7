"""A release gate for compressed language models, as a pytest plugin.

The public names for use without pytest are imported at first access, so that importing the plugin stays cheap:
`Run(resolve({"model": "nano"}))` is one run; its checks are `Check`s, its answer a `Report`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_unicomp.api.errors import InfrastructureError as InfrastructureError
    from pytest_unicomp.api.errors import UnicompError as UnicompError
    from pytest_unicomp.api.errors import UsageProblem as UsageProblem
    from pytest_unicomp.api.records import Check as Check
    from pytest_unicomp.api.records import Report as Report
    from pytest_unicomp.config.resolve import resolve as resolve
    from pytest_unicomp.config.settings import Settings as Settings
    from pytest_unicomp.run.plan import Cell as Cell
    from pytest_unicomp.run.run import Run as Run

__all__ = ["Cell", "Check", "InfrastructureError", "Report", "Run", "Settings", "UnicompError", "UsageProblem", "resolve"]

_HOMES = {
    "api.errors": ("InfrastructureError", "UnicompError", "UsageProblem"),
    "config.resolve": ("resolve",),
    "config.settings": ("Settings",),
    "run.plan": ("Cell",),
    "api.records": ("Check", "Report"),
    "run.run": ("Run",),
}


def __getattr__(name: str) -> Any:
    """Import the module in which a public name lives, and return it."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*globals(), *__all__])
