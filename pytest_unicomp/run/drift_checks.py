"""The drift check of each cell against its baseline, and when a baseline is written."""

from __future__ import annotations

from pytest_unicomp import compare
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Check, Measurement
from pytest_unicomp.run.cell_baselines import CellBaselines
from pytest_unicomp.run.check_inputs import Pair
from pytest_unicomp.run.checks import Checker, subject_of
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.retention_checks import RetentionChecks
from pytest_unicomp.run.sources import Sources
from pytest_unicomp.store.baselines import condense, same_evidence


class DriftChecks:
    """Compares what was measured for retention with the stored evidence."""

    def __init__(self, update: str, retention: RetentionChecks, baselines: CellBaselines, checker: Checker, sources: Sources) -> None:
        """Keep the parts; `update` is the option: none, missing, changed or all."""
        self._update, self._retention, self._baselines = update, retention, baselines
        self._checker, self._sources = checker, sources

    def of(self, cell: Cell) -> Check:
        """Return the drift check of a cell, before any waiver; a missing baseline is written and fails once."""
        current, baseline, measured = self._retention.measured(cell), self._stored(cell), self._retention.sources(cell)
        if baseline is None:
            return self._first(cell, current).model_copy(update={"sources": measured})
        check = self._checker.check(cell, "drift", Pair(baseline, current))
        # A copy: the file may be rewritten, and the check must stay provable.
        sources = [self._sources.kept("reference", baseline), *measured]
        if self._update == "all" or (self._update == "changed" and not same_evidence(baseline, condense(current))):
            self._baselines.write(cell, current)
            check = compare.accepted(check)
        return check.model_copy(update={"sources": sources})

    def _stored(self, cell: Cell) -> Measurement | None:
        try:
            return self._baselines.of(cell)
        except InfrastructureError:
            # What is rewritten in any case need not be readable; as if it was missing, that fails once.
            if self._update == "all":
                return None
            raise

    def _first(self, cell: Cell, current: Measurement) -> Check:
        refusal = compare.baseline_refusal(current, self._checker.policy)
        path = str(self._baselines.write(cell, current)) if refusal is None else None
        return compare.missing_baseline(condense(current), **subject_of(cell), policy=self._checker.policy, written=path, refusal=refusal)
