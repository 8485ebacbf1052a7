"""The matrix of recipes by capabilities that the HTML, Markdown and terminal reports show; gating recipes come first, the worst of each kind first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict, Report
from pytest_unicomp.api.vocabulary import CAPABILITIES, DIMENSIONS
from pytest_unicomp.report.numbers import Unit, unit_of_capability

# What is asked of the reference itself has no row.
REFERENCE = "reference"
_WORST = ("fail", "error", "not_comparable", "inconclusive", "pass")


@dataclass(frozen=True)
class CapabilityCell:
    """One recipe's pooled verdict on one capability, and the unit of its difference; `pooled` is None if the capability was not measured."""

    pooled: CapabilityVerdict | None
    unit: Unit

    @property
    def rank(self) -> tuple[int, float]:
        """Sort key, worst first: the verdict, then the difference relative to the margin."""
        pooled = self.pooled
        if pooled is None:
            return len(_WORST), 0.0
        return _WORST.index(pooled.verdict), (pooled.difference or 0.0) / (pooled.margin or 1.0)


@dataclass(frozen=True)
class RecipeRow:
    """One recipe: its verdict, its checks, and a cell per column. `number` counts the rows from 1."""

    number: int
    recipe: RecipeVerdict
    checks: tuple[Check, ...]
    cells: tuple[CapabilityCell, ...]
    columns: tuple[str, ...] = ()

    @property
    def open(self) -> tuple[tuple[str, CapabilityCell], ...]:
        """The capabilities that did not pass, with their names: failures first, and of those the largest loss relative to its margin."""
        found = [(name, cell) for name, cell in self._measured if cell.pooled is not None and cell.pooled.verdict != "pass"]
        return tuple(sorted(found, key=lambda entry: entry[1].rank))

    @property
    def kept(self) -> tuple[tuple[str, CapabilityCell], ...]:
        """The capabilities that passed, with their names."""
        return tuple((name, cell) for name, cell in self._measured if cell.pooled is not None and cell.pooled.verdict == "pass")

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """The columns that this recipe has no verdict on."""
        return tuple(name for name, cell in zip(self.columns, self.cells, strict=True) if cell.pooled is None)

    @property
    def _measured(self) -> list[tuple[str, CapabilityCell]]:
        return [(name, cell) for name, cell in zip(self.columns, self.cells, strict=True) if cell.pooled is not None]

    @property
    def unchanged(self) -> tuple[Check, ...]:
        """Drift checks whose measurement equals its baseline item by item; the page summarizes them in one line."""
        return tuple(check for check in self.checks if is_unchanged(check))

    @property
    def listed(self) -> tuple[Check, ...]:
        """The checks that need a line each: all others."""
        return tuple(check for check in self.checks if not is_unchanged(check))


@dataclass(frozen=True)
class Matrix:
    """The rows in display order, the columns, and each dimension with its number of columns."""

    columns: tuple[str, ...]
    dimensions: tuple[tuple[str, int], ...]
    rows: tuple[RecipeRow, ...]

    @property
    def gating(self) -> tuple[RecipeRow, ...]:
        """The rows that decide the run."""
        return tuple(row for row in self.rows if row.recipe.gates)

    @property
    def informing(self) -> tuple[RecipeRow, ...]:
        """The rows that are shown but decide nothing."""
        return tuple(row for row in self.rows if not row.recipe.gates)


def is_unchanged(check: Check) -> bool:
    """Return True if a drift check passed without any difference or changed version."""
    return (
        check.question == "drift" and check.verdict == "pass" and check.difference == 0 and check.interval == (0, 0) and not check.changes
    )


def matrix(report: Report) -> Matrix:
    """Build the matrix: columns are the capabilities that any recipe has, in the vocabulary's order, unknown ones last."""
    pooled = [capability for recipe in report.recipes for capability in recipe.capabilities]
    of = {capability.capability: capability.dimension for capability in pooled}
    known = list(CAPABILITIES)
    columns = sorted(of, key=lambda name: (DIMENSIONS.index(of[name]), known.index(name) if name in known else len(known), name))
    dimensions = [(name, sum(of[column] == name for column in columns)) for name in DIMENSIONS]
    ordered = sorted([*report.recipes, *unreached(report)], key=lambda recipe: (not recipe.gates, _WORST.index(recipe.verdict)))
    checks: dict[str, list[Check]] = {}
    for check in report.checks:
        checks.setdefault(check.recipe, []).append(check)
    return Matrix(
        columns=tuple(columns),
        dimensions=tuple((name, count) for name, count in dimensions if count),
        rows=tuple(_row(number, recipe, checks.get(recipe.recipe, []), columns) for number, recipe in enumerate(ordered, start=1)),
    )


def unreached(report: Report) -> list[RecipeVerdict]:
    """Return a row for each planned recipe of which nothing was asked before the run ended: undecided, and never absent."""
    known = {recipe.recipe for recipe in report.recipes}
    left = dict.fromkeys(entry.recipe for entry in (report.partial.missing if report.partial else ()))
    gating = report.policy.get("gating") or ()
    return [
        RecipeVerdict(
            recipe=name,
            family="none",
            gates=name in gating,
            settings={},
            calibration=None,
            verdict="inconclusive",
            reason="never reached: the run ended before anything was asked of it",
            capabilities=[],
            artifact=None,
        )
        for name in left
        if name not in known and name != REFERENCE
    ]


def _row(number: int, recipe: RecipeVerdict, own: list[Check], columns: Sequence[str]) -> RecipeRow:
    by_name = {capability.capability: capability for capability in recipe.capabilities}
    cells = tuple(_cell(by_name.get(column), own) for column in columns)
    return RecipeRow(number=number, recipe=recipe, checks=tuple(own), cells=cells, columns=tuple(columns))


def _cell(pooled: CapabilityVerdict | None, checks: list[Check]) -> CapabilityCell:
    return CapabilityCell(pooled, unit_of_capability(pooled, checks) if pooled else "rate")
