"""Makes one check of a report again from its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Artifact, Check, KernelReport, Measurement, Report
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.differences import differences
from pytest_unicomp.cli.verify.evidence import Gone, measurement, read
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run.checks import Checking
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.store.local import Store

# Differ in no way that evidence could decide: names of tests, durations, what it rests on; who waives it is asked of the recipe.
UNPROVEN = ("nodeid", "seconds", "sources", "waived")


@dataclass(frozen=True)
class Repetition:
    """One check of a report, to be made again by a policy from what lies in a store."""

    report: Report
    check: Check
    checking: Checking
    store: Store

    def answer(self) -> Answer:
        """Make the check again and compare; without evidence one that decided something is not proven, and any other is not checked."""
        check = self.check
        what = f"{check.recipe} on {check.benchmark} ({check.question.replace('_', '-')})"
        if not check.sources and check.verdict in ("pass", "fail"):
            return Answer(what, "missing", "the report names no evidence for it")
        if not check.sources:
            return Answer(what, "not_checked", "it rests on no stored evidence" if check.verdict != "error" else "it is an error")
        try:
            again = self._again()
        except Gone as gone:
            return Answer(what, gone.state, gone.note)
        except UnicompError as error:
            return Answer(what, "differs", f"it cannot be made from its evidence: {error.detail}")
        if again is None:
            return Answer(what, "as_reported", "nothing but its evidence could be checked")
        found = differences(self.check, again, leave=UNPROVEN)
        return Answer(what, "differs" if found else "as_reported", "; ".join(found) or "made again from its evidence")

    def _again(self) -> Check | None:
        check, cell = self.check, cell_of(self.check)
        if check.question == "artifact":
            content = read(self.store, check.sources[0])
            findings = [Finding.model_validate(entry) for entry in content["findings"]]
            return self.checking.soundness(cell, self._artifact(), findings)
        if check.sources[0].kind == "timings":
            return self._timed(cell, read(self.store, check.sources[0]))
        if check.question == "calibration":
            before, after = (measurement(self.store, source) for source in check.sources)
            return compare.calibration_gain(before, after, recipe=check.recipe, family=check.family, policy=self.checking.policy)
        parts = [measurement(self.store, source) for source in check.sources if source.side == "candidate"]
        if not parts:
            raise Gone("missing", f"it names evidence of a kind that is not known here: {check.sources[0].kind}")
        first = [measurement(self.store, source) for source in check.sources if source.side == "reference"]
        if not first and check.question == "efficiency":
            return self.checking.cost(cell, parts[0])
        if not first:
            # A baseline that was written for the first time: there is nothing to compare with.
            return None
        return self._paired(cell, first[0], parts)

    def _timed(self, cell: Cell, kept: Mapping[str, Any]) -> Check:
        rounds = PairedRounds.from_document(kept["rounds"])
        model = self.report.reference.fingerprint if self.report.reference else ""
        if kept["kernel"] is not None:
            return self.checking.kernel(cell, rounds, KernelReport.model_validate(kept["kernel"]), identity=(model,))[0]
        return self.checking.latency(cell, rounds, identity=(model, self._artifact().fingerprint))

    def _paired(self, cell: Cell, reference: Measurement, parts: Sequence[Measurement]) -> Check:
        check = self.check
        whole = parts[0].model_copy(update={"items": [item for part in parts for item in part.items]})
        if check.question == "must_pass":
            return self.checking.must_pass(cell, reference, whole)
        if check.question == "efficiency":
            return self.checking.size(cell, reference, whole)
        if check.question == "drift":
            drifted = self.checking.drift(cell, reference, whole)
            return compare.accepted(drifted) if check.accepted else drifted
        again = self.checking.sequential(cell, reference, _by_items(parts))[0] if self._in_parts else None
        again = again or self.checking.retention(cell, reference, whole)
        earlier = [measurement(self.store, source) for source in check.sources if source.side == "earlier"]
        return compare.with_floor(again, earlier[0], reference) if earlier else again

    @property
    def _in_parts(self) -> bool:
        return any(source.part for source in self.check.sources)

    def _artifact(self) -> Artifact:
        found = next((recipe.artifact for recipe in self.report.recipes if recipe.recipe == self.check.recipe), None)
        if found is None:
            raise Gone("missing", "the report does not describe its artifact")
        return found


def _by_items(parts: Sequence[Measurement]) -> Callable[[str, str, frozenset[str]], Measurement]:
    known = {frozenset(item.id for item in part.items): part for part in parts}

    def part(recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
        if items not in known:
            raise Gone("differs", "its evidence holds other parts than early stopping would ask for")
        return known[items]

    return part


def cell_of(check: Check) -> Cell:
    """Return the cell of the plan that a check answers."""
    entry = benchmarks().entries.get(check.benchmark)
    return Cell(
        recipe=check.recipe,
        family=check.family,
        gates=check.gates,
        benchmark=check.benchmark,
        kind=entry.kind if entry else "size",
        dimension=check.dimension,
        capability=check.capability,
        seed=0,
    )
