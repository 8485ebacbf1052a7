"""Names in a policy: margins, must-pass items and waivers may only name what exists, so that a typo never loosens or tightens nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.margins import Margin
from pytest_unicomp.options import Settings
from pytest_unicomp.plan import Plan
from pytest_unicomp.records import CAPABILITIES
from pytest_unicomp.registry import benchmarks


def validate(settings: Settings, plan: Plan) -> None:
    """Raise UsageProblem, with file and line, for the first name or value in margins, must-pass items and waivers that is wrong."""
    _margins(settings, plan)
    _must_pass(settings)
    _waivers(settings)


def _margins(settings: Settings, plan: Plan) -> None:
    entries = benchmarks().entries
    names = {*CAPABILITIES, *entries, *(entry.metric for entry in entries.values())}
    recipes = {candidate.name for candidate in plan.candidates}
    for name, value in settings.margins.items():
        if isinstance(value, Mapping):
            if name not in recipes:
                raise UsageProblem(
                    f"unicomp: {settings.where('margins', name)}: no recipe of this run has that name.{nearest(name, sorted(recipes))}"
                )
            for inner, margin in value.items():
                _margin(settings.where("margins", name, inner), inner, margin, names)
        else:
            _margin(settings.where("margins", name), name, value, names)


def _margin(where: str, name: str, value: Any, names: set[str]) -> None:
    if name not in names:
        raise UsageProblem(
            f"unicomp: {where}: no capability, benchmark or metric has that name.{nearest(name, sorted(names))} "
            "A recipe's own margins are a table: [tool.unicomp.margins.RECIPE]."
        )
    margin = Margin.of(value, where)
    if margin.kind == "absolute" and margin.value == 0:
        raise UsageProblem(f"unicomp: {where} is 0; expected a number above 0: no number of items proves that nothing at all is lost.")


def _must_pass(settings: Settings) -> None:
    entries = benchmarks().entries
    scored = [name for name, entry in entries.items() if entry.kind == "items" and entry.metric != "nats_per_token"]
    for name in settings.must_pass:
        _require(settings.where("must_pass", name), name, scored, "a benchmark whose items are right or wrong")


def _waivers(settings: Settings) -> None:
    for place, waiver in enumerate(settings.waivers):
        if waiver.benchmark is not None:
            names = [*benchmarks().entries, "artifact"]
            _require(settings.where("waivers", place, "benchmark"), waiver.benchmark, names, "a benchmark, or artifact")
        if waiver.capability is not None:
            _require(settings.where("waivers", place, "capability"), waiver.capability, CAPABILITIES, "a capability")


def _require(where: str, name: str, known: Iterable[str], what: str) -> None:
    known = list(known)
    if name not in known:
        raise UsageProblem(f"unicomp: {where}: {name!r} is not {what}.{nearest(name, known)}")
