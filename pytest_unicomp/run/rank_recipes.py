"""Collects the measurements that rankings of recipes rest on, from the checks of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pytest_unicomp import compare
from pytest_unicomp.api.records import Check, Measurement, Ranking


def rank_recipes(checks: Sequence[Check], measured: Callable[[Check], Measurement], policy: compare.Policy) -> list[Ranking]:
    """Return the rankings of the recipes that these retention checks are about; `measured` returns the recipe's measurement of a check.

    Checks of a run that stopped early cannot be ranked: their recipes were asked different items.
    """
    found: dict[str, dict[str, Measurement]] = {}
    for check in checks:
        found.setdefault(check.recipe, {})[check.benchmark] = measured(check)
    return compare.rankings(found, policy=policy)
