"""Lists the repositories that a run downloads from the hub, and tests access to them once, before anything is made or measured."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.protocols import ItemBenchmark
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import hub, model_config
from pytest_unicomp.checkpoints.hub_access import Repository, cached, require_readable
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.compress import require_supported
from pytest_unicomp.run.plan import REFERENCE, Cell, Plan


class Held(Protocol):
    """Answers whether the store already holds an artifact or a measurement."""

    def artifact_is_stored(self, recipe: str) -> bool:
        """Return True if nothing has to be compressed for a recipe."""
        ...

    def is_measured(self, recipe: str, benchmark: str) -> bool:
        """Return True if the store holds the measurement of a recipe on a benchmark."""
        ...


def require_hub(settings: Settings, plan: Plan, cells: Sequence[Cell], held: Held) -> None:
    """Raise UnicompError, in one line and within seconds, if something that the cells need cannot be fetched; sends no request if none is needed.

    Data that only serve what the store `held` already are not needed; that is looked up only if the hub does not give them.
    """
    if not cells:
        return
    loaded = models(settings, plan, cells)
    require_readable(loaded)
    names = {cell.recipe for cell in cells}
    _require_supported(settings, plan, names)
    try:
        require_readable(data(settings, plan, {cell.benchmark for cell in cells}, names))
    except UnicompError:
        # What the store holds is found by the contents of the models, which are not fetched for that.
        if not all(map(cached, loaded)):
            raise
        asked = {cell.benchmark for cell in cells if cell.kind == "items" and cell.benchmark and not _measured(cell, held)}
        require_readable(data(settings, plan, asked, {name for name in names if not held.artifact_is_stored(name)}))


def _require_supported(settings: Settings, plan: Plan, recipes: Collection[str]) -> None:
    """Raise UsageProblem for a recipe that cannot compress a model of the hub, by its config.json, before its weights are fetched."""
    # Of a model that is known already this was checked before.
    if model_config.find(plan.model, settings.bundle) is not None:
        return
    config = model_config.fetch(plan.model, settings.bundle)
    for one in plan.candidates:
        if config is not None and one.name in recipes and one.method is not None:
            require_supported(config, plan.model, one.name, one.method)


def models(settings: Settings, plan: Plan, cells: Sequence[Cell]) -> list[Repository]:
    """Return the models that the cells need of the hub: the reference, candidates and a judge, none that is on this machine."""
    names = {cell.recipe for cell in cells}
    sources = [one.source for one in plan.candidates if one.name in names and one.source is not None and not served(one.source)]
    kind, _, named = settings.judge.partition(":")
    judges = [named] if kind == "classifier" else []
    return [hub.repository(name) for name in (plan.model, *sources, *judges) if hub.local(name, settings.bundle) is None]


def data(settings: Settings, plan: Plan, asked: Collection[str], recipes: Collection[str]) -> list[Repository]:
    """Return the hub data sets that the benchmarks `asked` and the calibration text of `recipes` need; empty with a bundle."""
    if settings.bundle is not None:
        return []
    chosen = [entry for name, entry in plan.table.items() if name in asked and isinstance(entry, ItemBenchmark)]
    names = [piece.name for entry in chosen for piece in entry.pieces() if piece.kind == "dataset"]
    calibrated = [one for one in plan.candidates if one.name in recipes and one.calibrated]
    for text in dict.fromkeys(one.calibration or settings.calibration for one in calibrated):
        names += mixture.repositories(text, plan.model)
    return [Repository("dataset", name) for name in dict.fromkeys(names)]


def _measured(cell: Cell, held: Held) -> bool:
    return all(held.is_measured(name, cell.benchmark) for name in (REFERENCE, cell.recipe))
