"""The baselines of one plan: which cells have one, which are compared with it, and which files are orphans."""

from __future__ import annotations

from pathlib import Path

from pytest_unicomp.api.records import Measurement
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.plan import Cell, Plan
from pytest_unicomp.store.baselines import Baselines


class CellBaselines:
    """Stored evidence by the cells of a plan."""

    def __init__(self, settings: Settings, plan: Plan, baselines: Baselines) -> None:
        """Store the arguments; files are read on request."""
        self._settings, self._plan, self._baselines = settings, plan, baselines

    def of(self, cell: Cell) -> Measurement | None:
        """Return the stored evidence of a cell, or None."""
        return self._baselines.read(self._plan.model, cell.recipe, cell.benchmark)

    def exists(self, cell: Cell) -> bool:
        """Return True if a cell has stored evidence, which is not read."""
        return self._baselines.find(self._plan.model, cell.recipe, cell.benchmark) is not None

    def compared(self, cell: Cell) -> bool:
        """Return True if this run compares a cell with its baseline."""
        return self.exists(cell) if self._settings.drift == "auto" else self._settings.drift == "on"

    def reference(self, benchmark: str) -> Measurement | None:
        """Return the reference's stored evidence of an earlier run, or None."""
        return self._baselines.read(self._plan.model, "dense", benchmark)

    def write(self, cell: Cell, measured: Measurement) -> Path:
        """Write a cell's baseline and return its path."""
        return self._baselines.write(self._plan.model, cell.recipe, measured)

    def unused(self) -> list[Path]:
        """Return the baseline files of this model, in the folder that is written, which no recipe or benchmark of the plan would read.

        Those of recipes that the plan leaves out, for want of a library for example, are not among them.
        """
        model = self._plan.model
        used = {self._baselines.path(model, cell.recipe, cell.benchmark) for cell in self._plan.cells}
        used |= {self._baselines.path(model, "dense", name) for name in self._plan.benchmarks}
        left_out = {self._baselines.path(model, name, "").parent for name in self._plan.left_out}
        return [path for path in self._baselines.files(model) if path not in used and path.parent not in left_out]
