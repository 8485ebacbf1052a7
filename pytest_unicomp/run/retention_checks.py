"""The retention check of each cell, made once: from a whole measurement, or from as many parts of it as its verdict takes."""

from __future__ import annotations

from collections.abc import Set

from pytest_unicomp.api.records import Check, Measurement, Source
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run import early_stopping
from pytest_unicomp.run.cell_baselines import CellBaselines
from pytest_unicomp.run.check_inputs import MeasurePart, Pair
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import REFERENCE, Cell, Plan
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.sources import Sources


class RetentionChecks:
    """Makes the checks, and knows what was measured for each."""

    def __init__(
        self, settings: Settings, plan: Plan, results: Results, sources: Sources, baselines: CellBaselines, checker: Checker
    ) -> None:
        """Store the arguments; cells are measured on request."""
        self._settings, self._plan = settings, plan
        self._results, self._sources, self._baselines, self._checker = results, sources, baselines, checker
        self._checks: dict[Cell, Check] = {}
        self._stopped: dict[Cell, Measurement] = {}
        self._parts: dict[Cell, list[Source]] = {}

    def of(self, cell: Cell) -> Check:
        """Return the retention check of a cell, before any waiver."""
        if cell not in self._checks:
            reference, earlier = self._results.reference(cell.benchmark), self._baselines.reference(cell.benchmark)
            if self.stops_early(cell):
                check, self._stopped[cell] = self._checker.stopped_early(cell, reference, self._part(cell), earlier)
            else:
                candidate = self._results.measurement(cell.recipe, cell.benchmark)
                check = self._checker.check(cell, "retention", Pair(reference, candidate, earlier))
            sources = [self._sources.of_measurement(REFERENCE, cell.benchmark, reference), *self.sources(cell)]
            if earlier is not None and check.flips is not None and check.flips.floor is not None:
                # A copy: the file may be rewritten, and the check must stay provable.
                sources.append(self._sources.kept("earlier", earlier))
            self._checks[cell] = check.model_copy(update={"sources": sources})
        return self._checks[cell]

    def stops_early(self, cell: Cell) -> bool:
        """Return True if a cell is measured in parts: not if a baseline would have to be written from it, or if its replies have limits.

        How many items an early stop takes depends on their scores, so that their replies have no known error rate.
        """
        return (
            self._settings.sequential
            and early_stopping.stoppable(cell, self._plan)
            and cell not in self._plan.limited_replies(self._checker.policy)
            and (not self._baselines.compared(cell) or self._baselines.exists(cell))
        )

    def measured(self, cell: Cell) -> Measurement:
        """Return the measurement of a cell: all items or, after early stopping, those that its verdict used."""
        if self.stops_early(cell):
            self.of(cell)
            return self._stopped[cell]
        return self._results.measurement(cell.recipe, cell.benchmark)

    def sources(self, cell: Cell) -> list[Source]:
        """Name what was measured of a cell: the whole, or the parts that its verdict took."""
        if cell in self._parts:
            return self._parts[cell]
        return [self._sources.of_measurement(cell.recipe, cell.benchmark, self._results.measurement(cell.recipe, cell.benchmark))]

    def holding(self, cell: Cell, items: Set[str]) -> tuple[Measurement, list[Source]]:
        """Return a measurement of the cell that includes all `items`, with its sources; items that early stopping skipped are measured now."""
        measured, sources = self.measured(cell), self.sources(cell)
        missing = frozenset(items - {item.id for item in measured.items})
        if not missing or not self.stops_early(cell):
            return measured, sources
        rest = self._results.part(cell.recipe, cell.benchmark, missing)
        sources = [*sources, self._sources.of_measurement(cell.recipe, cell.benchmark, rest, missing)]
        return measured.model_copy(update={"items": [*measured.items, *rest.items]}), sources

    def _part(self, cell: Cell) -> MeasurePart:
        """Return a function that measures some of a cell's items and records them as sources."""

        def part(recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
            made = self._results.part(recipe, benchmark, items)
            self._parts.setdefault(cell, []).append(self._sources.of_measurement(recipe, benchmark, made, items))
            return made

        return part
