"""Recomputes one check of a report from its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Artifact, Check, KernelReport, Measurement, Report
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.cli.verify.answer import Answer
from pytest_unicomp.cli.verify.differences import differences
from pytest_unicomp.cli.verify.evidence import Evidence, Gone
from pytest_unicomp.cli.verify.older import absent
from pytest_unicomp.cli.verify.ties import untied
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run.check_inputs import CheckInputs, Inspection, MeasurePart, Pair, Single, Timed
from pytest_unicomp.run.checks import Checker
from pytest_unicomp.run.plan import Cell

# Differ in no way that evidence could decide: names of tests, durations, what it rests on; who waives it is asked of the recipe.
UNPROVEN = ("nodeid", "seconds", "sources", "waived")


@dataclass(frozen=True)
class Repetition:
    """Recomputes one check of a report from the evidence in the store, under a policy."""

    report: Report
    check: Check
    checker: Checker
    evidence: Evidence

    def answer(self) -> Answer:
        """Make the check again and compare; without evidence one that decided something is not proven, and any other is not checked."""
        check = self.check
        what = f"{check.recipe} on {check.benchmark} ({check.question.replace('_', '-')})"
        if not check.sources and check.verdict in ("pass", "fail"):
            return Answer(what, "missing", "the report names no evidence for it")
        if not check.sources and check.verdict != "error" and not check.gates:
            return Answer(what, "as_reported", "it was not measured, and decides and claims nothing")
        if not check.sources:
            return Answer(what, "not_checked", "it rests on no stored evidence" if check.verdict != "error" else "it is an error")
        try:
            loose = untied(self.report, check, self.evidence)
            again = self._again()
        except Gone as gone:
            return Answer(what, gone.state, gone.note)
        except UnicompError as error:
            return Answer(what, "differs", f"it cannot be made from its evidence: {error.detail}")
        if again is None and not loose:
            return Answer(what, "as_reported", "nothing but its evidence could be checked")
        found = loose + (differences(self.check, again, leave=(*UNPROVEN, *absent(self.check))) if again is not None else [])
        return Answer(what, "differs" if found else "as_reported", "; ".join(found) or "made again from its evidence")

    def _again(self) -> Check | None:
        """Return the check made again, or None for a baseline that was written for the first time: nothing is compared with it."""
        check, cell = self.check, cell_of(self.check)
        inputs = self._inputs()
        if inputs is None:
            return None
        if self._in_parts and isinstance(inputs, Pair) and check.question == "retention":
            parts = [self.evidence.measurement(source) for source in check.sources if source.side == "candidate"]
            return self.checker.stopped_early(cell, inputs.reference, _by_items(parts), inputs.earlier)[0]
        again = self.checker.check(cell, check.question, inputs)
        return compare.accepted(again) if check.accepted else again

    def _inputs(self) -> CheckInputs | None:
        """Load the inputs of the check from the store; None if its question has no inputs there. Raises Gone if one is missing."""
        check, first = self.check, self.check.sources[0]
        if check.question == "artifact":
            findings = [Finding.model_validate(entry) for entry in self.evidence.read(first)["findings"]]
            return Inspection(self._artifact(), findings)
        if first.kind == "timings":
            return self._timed(self.evidence.read(first))
        if check.question == "calibration":
            return Pair(*(self.evidence.measurement(source) for source in check.sources))
        parts = [self.evidence.measurement(source) for source in check.sources if source.side == "candidate"]
        if not parts:
            raise Gone("missing", f"it names evidence of a kind that is not known here: {first.kind}")
        reference = [self.evidence.measurement(source) for source in check.sources if source.side == "reference"]
        if not reference:
            return Single(parts[0]) if check.question == "efficiency" else None
        earlier = [self.evidence.measurement(source) for source in check.sources if source.side == "earlier"]
        whole = parts[0].model_copy(update={"items": [item for part in parts for item in part.items]})
        return Pair(reference[0], whole, earlier[0] if earlier else None)

    def _timed(self, kept: Mapping[str, Any]) -> Timed:
        rounds = PairedRounds.from_document(kept["rounds"])
        model = self.report.reference.fingerprint if self.report.reference else ""
        if kept["kernel"] is not None:
            return Timed(rounds, (model,), KernelReport.model_validate(kept["kernel"]))
        return Timed(rounds, (model, self._artifact().fingerprint))

    @property
    def _in_parts(self) -> bool:
        return any(source.part for source in self.check.sources)

    def _artifact(self) -> Artifact:
        found = next((recipe.artifact for recipe in self.report.recipes if recipe.recipe == self.check.recipe), None)
        if found is None:
            raise Gone("missing", "the report does not describe its artifact")
        return found


def _by_items(parts: Sequence[Measurement]) -> MeasurePart:
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
