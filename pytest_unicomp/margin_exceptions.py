"""Margins by name, `[tool.unicomp.margins]`: every name must be one that the run can meet, so that a typo never loosens or tightens nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.margins import Margin
from pytest_unicomp.plan import Plan
from pytest_unicomp.records import CAPABILITIES
from pytest_unicomp.registry import benchmarks


def validate(margins: Mapping[str, Any], plan: Plan) -> None:
    """Raise UsageProblem for a name that is no capability, benchmark, metric or recipe, and for a value that is no margin."""
    entries = benchmarks().entries
    names = {*CAPABILITIES, *entries, *(entry.metric for entry in entries.values())}
    recipes = {candidate.name for candidate in plan.candidates}
    for name, value in margins.items():
        if isinstance(value, Mapping):
            if name not in recipes:
                raise UsageProblem(f"unicomp: margins.{name}: no recipe of this run has that name.{nearest(name, sorted(recipes))}")
            for inner, margin in value.items():
                _check(f"margins.{name}", inner, margin, names)
        else:
            _check("margins", name, value, names)


def _check(where: str, name: str, value: Any, names: set[str]) -> None:
    if name not in names:
        raise UsageProblem(
            f"unicomp: {where}.{name}: no capability, benchmark or metric has that name.{nearest(name, sorted(names))} "
            "A recipe's own margins are a table: [tool.unicomp.margins.RECIPE]."
        )
    margin = Margin.of(value, f"{where}.{name}")
    if margin.kind == "absolute" and margin.value == 0:
        raise UsageProblem(
            f"unicomp: {where}.{name} is 0; expected a number above 0: no number of items proves that nothing at all is lost."
        )
