"""Checks the names in a policy: a margin, reply limit, must-pass item or waiver that names nothing is an error, so that a typo cannot leave a rule without effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from functools import partial
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.api.protocols import Benchmark, ItemBenchmark, Kind
from pytest_unicomp.api.records import CAPABILITIES
from pytest_unicomp.api.registry import Table
from pytest_unicomp.compare.wording import NATS
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.reply_limits import owners
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.methods import configured
from pytest_unicomp.run.candidates import candidate_names
from pytest_unicomp.run.plan import Plan

Locate = Callable[..., str]
COSTS: tuple[Kind, ...] = ("size", "latency")
SCORED = tuple(capability for capability, dimension in CAPABILITIES.items() if dimension != "efficiency")


def validate(settings: Settings, plan: Plan) -> None:
    """Raise UsageProblem, with file and line, for the first name or value in margins, reply limits, must-pass items and waivers that is wrong.

    Names in profiles that are not chosen must exist, but this run need not measure them.
    """
    known = _known_recipes(settings, plan)
    run = {candidate.name for candidate in plan.candidates}
    _recipes(settings.margins, lambda name: name in run, "recipe of this run", run, settings.location)
    _names(settings.margins, settings.must_pass, plan.table, settings.location)
    _reply_limits(settings.reply_limits, plan.table, settings.location)
    _measured(settings, plan)
    for inside, tables in settings.file_layers.items():
        if inside:
            locate = partial(settings.locations.location, *inside)
            _recipes(tables.get("margins", {}), lambda name: _exists(name, known), "recipe", known, locate)
            _names(tables.get("margins", {}), tables.get("must_pass", {}), plan.table, locate)
            _reply_limits(tables.get("reply_limits", {}), plan.table, locate)
    _waivers(settings, known, plan.table)


def _known_recipes(settings: Settings, plan: Plan) -> set[str]:
    """Return the recipes that exist, and the candidates named by this run or by any profile of its file."""
    named = [source for tables in settings.file_layers.values() for source in tables.get("candidate", ())]
    elsewhere = [name for source in named for name in candidate_names(source)]
    return {*configured.table(settings.recipes), *(candidate.name for candidate in plan.candidates), *elsewhere}


def _exists(recipe: str, known: Set[str]) -> bool:
    # wanda-50@reasoning is the recipe wanda-50 with another calibration mixture.
    return recipe in known or recipe.rpartition("@")[0] in known


def _recipes(margins: Mapping[str, Any], exists: Callable[[str], bool], what: str, known: Set[str], locate: Locate) -> None:
    for name, value in margins.items():
        if isinstance(value, Mapping) and not exists(name):
            raise UsageProblem(f"unicomp: {locate('margins', name)}: no {what} has that name.{nearest(name, sorted(known))}")


def _names(margins: Mapping[str, Any], must_pass: Mapping[str, Any], table: Table[Benchmark], locate: Locate) -> None:
    for name, value in margins.items():
        if isinstance(value, Mapping):
            for inner, margin in value.items():
                _margin(locate("margins", name, inner), inner, margin, table)
        else:
            _margin(locate("margins", name), name, value, table)
    scored = [name for name, entry in table.items() if entry.kind == "items" and entry.metric != NATS]
    for name in must_pass:
        _require(locate("must_pass", name), name, scored, "a benchmark whose items are right or wrong")


def _reply_limits(limits: Mapping[str, Any], table: Table[Benchmark], locate: Locate) -> None:
    generating = {name: entry for name, entry in table.items() if isinstance(entry, ItemBenchmark) and not entry.reads_likelihoods}
    known = [*generating, *dict.fromkeys(entry.capability for entry in generating.values())]
    for name in owners(limits):
        _require(locate("reply_limits", name), name, known, "a benchmark whose replies are generated, nor a capability of one")


def _margin(location: str, name: str, value: Any, table: Table[Benchmark]) -> None:
    about = _about(name, table)
    scored = [entry for entry in about.values() if entry.kind == "items"]
    if about and not scored:
        raise UsageProblem(
            f"unicomp: {location}: {name} is an efficiency measure, and margins do not apply to those; {_instead(name, about)}."
        )
    if not scored and name not in SCORED:
        names = {*SCORED, *(word for key, entry in table.items() if entry.kind == "items" for word in _words(key, entry))}
        raise UsageProblem(
            f"unicomp: {location}: no capability, benchmark or metric has that name.{nearest(name, sorted(names))} "
            "A recipe's own margins are a table: [tool.unicomp.margins.RECIPE]."
        )
    margin = Margin.of(value, location)
    if margin.kind == "absolute" and margin.value == 0:
        raise UsageProblem(
            f"unicomp: {location} is 0; expected a number above 0, since no number of items proves that nothing at all is lost."
        )
    if margin.kind == "absolute" and margin.value >= 1 and not any(entry.metric == NATS for entry in scored):
        meant = f" Did you mean {margin.value / 100:g}, {margin.value:g} points?" if margin.value < 100 else ""
        raise UsageProblem(f"unicomp: {location} is {value!r}; expected a number below 1, which is 100 points and thus everything.{meant}")


def _words(name: str, entry: Benchmark) -> tuple[str, str, str]:
    return name, entry.capability, entry.metric


def _about(name: str, table: Table[Benchmark]) -> dict[str, Benchmark]:
    """Return the benchmarks that a name is about: its own, or those of a capability or a metric."""
    return {key: entry for key, entry in table.items() if name in _words(key, entry)}


def _instead(name: str, about: Mapping[str, Benchmark]) -> str:
    limited = [key for key, entry in about.items() if entry.kind in COSTS and (key == name or name not in about)]
    return f"set a limit in [limits] by benchmark: {', '.join(limited)}" if limited else "kernels never fail a run, remove it"


def _measured(settings: Settings, plan: Plan) -> None:
    measured = {cell.benchmark for cell in plan.of_kind("items")}
    benchmarks = [name for name in owners(settings.reply_limits) if name in plan.table]
    for table, names, what in (("must_pass", list(settings.must_pass), "items"), ("reply_limits", benchmarks, "limits")):
        for name in names:
            if name not in measured:
                raise UsageProblem(
                    f"unicomp: {settings.location(table, name)} is set, but this run does not measure {name}; name it among the benchmarks too, "
                    f"or keep its {what} in a profile that measures it."
                )


def _waivers(settings: Settings, known: Set[str], table: Table[Benchmark]) -> None:
    for position, waiver in enumerate(settings.waivers):
        if waiver.benchmark is not None:
            names = [*table.entries, "artifact"]
            _require(settings.location("waivers", position, "benchmark"), waiver.benchmark, names, "a benchmark, or artifact")
        if waiver.capability is not None:
            _require(settings.location("waivers", position, "capability"), waiver.capability, CAPABILITIES, "a capability")
        if not _exists(waiver.recipe, known):
            location = settings.location("waivers", position, "recipe")
            _require(location, waiver.recipe, sorted(known), "a recipe, nor a candidate that this run or its file names")


def _require(location: str, name: str, known: Iterable[str], what: str) -> None:
    known = list(known)
    if name not in known:
        raise UsageProblem(f"unicomp: {location}: {name!r} is not {what}.{nearest(name, known)}")
