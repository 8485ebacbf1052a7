"""A plan of one cell whose measurements are made up beforehand, and the parts of a run that judge it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import Measurement
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.compare import Policy
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.candidates import Candidate
from pytest_unicomp.run.cell_baselines import CellBaselines
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.drift_checks import DriftChecks
from pytest_unicomp.run.plan import Cell, Plan
from pytest_unicomp.run.retention_checks import RetentionChecks
from pytest_unicomp.run.sources import Sources
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store
from tests.toys import measurement

CELL = Cell("rtn", "quantization", True, "nano-safety", "items", "reliability", "safety", 0)
PLAN = Plan("nano", (Candidate("rtn", "quantization", True),), ("nano-safety",), (CELL,))
GOOD = [1.0, 0.0, 1.0, 1.0] * 250
BAD = [0.0] * 600 + GOOD[600:]


@dataclass
class ToyResults:
    """Measurements made up beforehand, which notes what is asked of it."""

    sides: dict[str, Measurement]
    asked: list[str] = field(default_factory=list)

    def reference(self, benchmark: str) -> Measurement:
        return self.sides["reference"]

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        self.asked.append(recipe)
        return self.sides[recipe]

    def part(self, recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
        self.asked.append(f"{len(items)} items")
        whole = self.sides[recipe]
        return whole.model_copy(update={"items": [item for item in whole.items if item.id in items]})

    def key(self, recipe: str, benchmark: str, items: frozenset[str] | None = None) -> str:
        return f"{recipe}-{len(items or ())}"

    def reference_is_stored(self, benchmark: str) -> bool:
        return False

    def scores_items(self, benchmark: str) -> bool:
        return benchmarks()[benchmark].kind == "items"


def made(scores, artifact):
    return measurement(scores, artifact=artifact, benchmark="nano-safety")


class ToyRun:
    """The parts of a run that judge the cell, in a folder."""

    def __init__(self, folder: Path, candidate: list[float], policy: Policy | None = None, **words: Any) -> None:
        settings = resolve({"model": "nano", "recipe": ["dense"], **words}, {})
        self.results: Any = ToyResults({"reference": made(GOOD, "a"), "rtn": made(candidate, "b")})
        self.store = Store(folder / "store")
        self.sources = Sources(self.results, self.store)
        self.baselines = CellBaselines(settings, PLAN, Baselines(folder / "baselines", folder / "none"))
        checker = Checker(policy or Policy(), must_pass_items={"nano-safety": ["*"]})
        self.retention = RetentionChecks(settings, PLAN, self.results, self.sources, self.baselines, checker)
        self.drift = DriftChecks(settings.update, self.retention, self.baselines, checker, self.sources)
