"""One run without pytest: makes the artifacts and measurements that a check needs, at most once and kept in the store, and returns the check."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import CostBenchmark, KernelBenchmark, Progress
from pytest_unicomp.api.records import (
    Artifact,
    CapabilityVerdict,
    Check,
    Claim,
    KernelReport,
    Measurement,
    Partial,
    Question,
    Report,
    Source,
)
from pytest_unicomp.calibration import mixture
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run import conclude, worker
from pytest_unicomp.run.cell_baselines import CellBaselines
from pytest_unicomp.run.check_inputs import CheckInputs, Pair, Single, Timed
from pytest_unicomp.run.checks import Checker, kernel_table
from pytest_unicomp.run.drift_checks import DriftChecks
from pytest_unicomp.run.executors import build as executors
from pytest_unicomp.run.expected_steps import expected_steps
from pytest_unicomp.run.hub_needs import require_hub
from pytest_unicomp.run.inspect_artifact import inspect_artifact
from pytest_unicomp.run.plan import REFERENCE, Cell
from pytest_unicomp.run.preflight import preflight
from pytest_unicomp.run.quality import Quality
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.retention_checks import RetentionChecks
from pytest_unicomp.run.sources import Sources
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.run.timings import Timings
from pytest_unicomp.run.waive import Waiving

# What a job on a cluster asks for: room for the libraries, and for the model beside its compressed form and what compressing needs.
MEMORY_PER_JOB = 2**30
WEIGHTS_PER_JOB = 3


def silent(step: object) -> None:
    """Ignore progress."""


class Run:
    """One model, its candidates, its benchmarks; usable without pytest: `Run(settings).retention(cell)`."""

    def __init__(self, settings: Settings, *, progress: StepProgress = silent, detail: Progress = silent) -> None:
        """Check the settings against what is there; raise UsageProblem for the first thing that is wrong. Starts nothing.

        `progress` is called with the Step of every artifact, measurement and timing that is made, `detail` with a line on what happens inside one.
        """
        self.prepared = prepared = preflight(settings)
        self.settings, self.plan, self.policy, self.store = prepared.settings, prepared.plan, prepared.policy, prepared.store
        self._progress = progress
        self.checker = Checker(self.policy, self.settings.limits, self.settings.must_pass, self.plan.table)
        self.results = Results(
            self.settings, self.plan, prepared.evaluation, store=self.store, baselines=prepared.baselines, progress=progress, detail=detail
        )
        self.timings = Timings(self.results, self.settings, prepared.evaluation, store=self.store, progress=progress)
        self._sources = Sources(self.results, self.store)
        self._baselines = CellBaselines(self.settings, self.plan, prepared.baselines)
        self._retention = RetentionChecks(self.settings, self.plan, self.results, self._sources, self._baselines, self.checker)
        self._drift = DriftChecks(self.settings.update, self._retention, self._baselines, self.checker, self._sources)
        self._quality = Quality(prepared, self.results)
        # One day for the whole run, however long it takes.
        self._waiving = Waiving(self.settings.waivers, datetime.now(UTC).date(), self.policy)

    # Promises, artifacts and measurements

    def promise(self, cells: Iterable[Cell]) -> None:
        """Take note of the cells to be measured; an executor that works elsewhere begins. Raises if a shared store or the hub fails them."""
        self.store.require_writable()
        self.results.promise(cells)
        require_hub(self.settings, self.plan, self.results.promised, self.results)
        for candidate in self.plan.candidates:
            # The user's own text must not give questions away: that is theirs to put right, before anything runs.
            named = candidate.calibration or self.settings.calibration
            if candidate.calibrated and self.results.promised and mixture.files(named):
                self.results.calibration(named).identity()
        if self.settings.executor != "local" and self.results.promised:
            memory = MEMORY_PER_JOB + WEIGHTS_PER_JOB * self.results.model.bytes
            self.results.hand_over(
                executors.build(self.settings, perform=worker.perform, store=self.store, progress=self._progress, memory=memory)
            )

    def outstanding(self) -> list[Step]:
        """Return, in order, the steps of the promised cells as with an empty store."""
        stored = self.settings.reference == "stored"
        return expected_steps(self.plan, self.results.promised, self.prepared.evaluation, stored_reference=stored)

    def close(self) -> None:
        """Stop unfinished promised jobs; the store is unchanged."""
        self.timings.close()
        self.results.close()

    def artifact(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, made at most once; raise UnicompError if it cannot be made."""
        return self.results.artifact(recipe)

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        """Return the measurement of a recipe on a benchmark, made at most once."""
        return self.results.measurement(recipe, benchmark)

    def reference(self, benchmark: str) -> Measurement:
        """Return the reference's measurement on a benchmark."""
        return self.results.reference(benchmark)

    def cells(self, recipe: str, capability: str | None = None) -> tuple[Cell, ...]:
        """Return the plan's cells of a recipe, of one capability or of all."""
        return tuple(cell for cell in self.plan.cells if cell.recipe == recipe and capability in (None, cell.capability))

    # Checks

    def retention(self, cell: Cell) -> Check:
        """Does the candidate keep the reference's scores, within the margin? Paired per item."""
        return self._excused(self._retention.of(cell))

    def size(self, cell: Cell) -> Check:
        """Is the artifact no larger than the reference, and did making it cost no more than its limit?"""
        candidate = self.measurement(cell.recipe, cell.benchmark)
        source = self._sources.kept("candidate", candidate)
        if isinstance(self.plan.table[cell.benchmark], CostBenchmark):
            return self._asked(cell, "efficiency", Single(candidate), source)
        reference = self.reference(cell.benchmark)
        return self._asked(cell, "efficiency", Pair(reference, candidate), self._sources.kept("reference", reference), source)

    def not_recorded(self, cell: Cell) -> str | None:
        """Return why a cost of making the artifact is not known, if no limit is set on it, or None if there is something to check."""
        benchmark = self.plan.table[cell.benchmark]
        if not isinstance(benchmark, CostBenchmark) or cell.benchmark in self.settings.limits:
            return None
        if self.plan.candidate(cell.recipe).is_reference:
            return "nothing was compressed"
        return None if self.measurement(cell.recipe, cell.benchmark).value is not None else f"not measured: {benchmark.unknown}"

    def must_pass(self, cell: Cell) -> Check:
        """Does the candidate answer every must-pass item right? Those that the verdict of an early stop did not take are measured now."""
        reference = self.reference(cell.benchmark)
        chosen, _ = compare.must_pass_items(reference.items, self.settings.must_pass[cell.benchmark])
        measured, sources = self._retention.holding(cell, {item.id for item in chosen})
        source = self._sources.of_measurement(REFERENCE, cell.benchmark, reference)
        return self._asked(cell, "must_pass", Pair(reference, measured), source, *sources)

    def reply_limits(self, cell: Cell) -> Check:
        """Are the candidate's replies no longer, and no more of them cut or looping, than the limits allow? Paired per item."""
        pair = Pair(self.reference(cell.benchmark), self.measurement(cell.recipe, cell.benchmark))
        return self._asked(cell, "reply_limits", pair, *self._sources.of_pair(REFERENCE, cell.recipe, pair))

    def baseline(self, cell: Cell) -> Measurement | None:
        """Return the stored evidence of a cell, or None."""
        return self._baselines.of(cell)

    def wants_drift(self, cell: Cell) -> bool:
        """Return True if this run compares a cell with its baseline."""
        return self._baselines.compared(cell)

    def unused_baselines(self) -> list[Path]:
        """Return the baseline files of this model that no recipe or benchmark of the plan would read."""
        return self._baselines.unused()

    def drift(self, cell: Cell) -> Check:
        """Is the measurement equivalent to its stored baseline? A missing baseline is written and fails once; `update` lists what else is written."""
        return self._excused(self._drift.of(cell))

    def calibration_gain(self, cell: Cell) -> Check:
        """Does the target's calibration text gain over the run's on one benchmark? Raises UsageProblem for a recipe without a target text."""
        base = self.plan.candidate(cell.recipe).instead_of
        if base is None:
            raise UsageProblem(
                f"unicomp: {cell.recipe} was not made for --unicomp-calibration-target; expected a name such as wanda-50@reasoning."
            )
        pair = Pair(self.measurement(base, cell.benchmark), self.measurement(cell.recipe, cell.benchmark))
        return self._asked(cell, "calibration", pair, *self._sources.of_pair(base, cell.recipe, pair))

    def artifact_check(self, cell: Cell) -> Check:
        """Is the artifact a checkpoint that can be shipped, and what its recipe says?"""
        inspection, source = inspect_artifact(cell.recipe, self.results, self._sources, self.store)
        return self._asked(cell, "artifact", inspection, source)

    def latency(self, cell: Cell, rounds: PairedRounds) -> Check:
        """Is the candidate no slower than the reference, beyond LATENCY_MARGIN?"""
        timed = Timed(rounds, (self.results.model.fingerprint, self.artifact(cell.recipe).fingerprint))
        return self._asked(cell, "efficiency", timed, self._sources.of_timings(timed))

    def kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport) -> tuple[Check, KernelReport]:
        """Are the linear layers of one written token no slower on the kernel than dense? With the table of all shapes."""
        timed = Timed(rounds, (self.results.model.fingerprint,), report)
        return self._asked(cell, "efficiency", timed, self._sources.of_timings(timed)), kernel_table(report, rounds)

    def not_timed(self, cell: Cell) -> Check:
        """Return the check of a timing that pytest-benchmark refused to take, as it does under xdist."""
        recipe = "" if cell.recipe == REFERENCE else f" --recipe {cell.recipe}"
        command = f"unicomp gate {self.plan.model}{recipe} --benchmark {cell.benchmark}"
        return self.checker.not_timed(cell, f"not timed: pytest-benchmark is switched off here (as under xdist); run alone: {command}")

    def kernel_missing(self, cell: Cell) -> Check | None:
        """Return the check of a kernel that this device lacks, or None if it has it."""
        why = cast("KernelBenchmark", self.plan.table[cell.benchmark]).missing(self.results.device)
        return None if why is None else self.checker.not_timed(cell, f"no accelerated kernel here: {why}")

    def broken(self, cell: Cell, question: Question, error: BaseException) -> Check:
        """Return the check of a cell that could not be made or measured: an error, never a regression and never a pass."""
        return self.checker.broken(cell, question, error)

    def _asked(self, cell: Cell, question: Question, inputs: CheckInputs, *sources: Source) -> Check:
        return self._excused(self.checker.check(cell, question, inputs).model_copy(update={"sources": list(sources)}))

    def _excused(self, check: Check) -> Check:
        siblings: list[Check] = []
        if self._waiving.by_capability(check):
            siblings = [self._retention.of(cell) for cell in self.cells(check.recipe, check.capability) if cell.kind == "items"]
        return self._waiving.excused(check, siblings)

    # Verdicts

    def capability(self, recipe: str, capability: str) -> CapabilityVerdict:
        """Pool the retention of one capability over the recipe's benchmarks."""
        checks = [self.retention(cell) for cell in self.cells(recipe, capability) if cell.kind == "items"]
        return compare.pool(checks, policy=self.policy)

    def confirmed(self, check: Check) -> bool:
        """Return True if a benchmark's FAIL stands after Holm over the recipe's benchmarks that are promised (or planned, if none is)."""
        asked = self.results.promised or self.plan.cells
        others = [self.retention(cell) for cell in self.cells(check.recipe) if cell.kind == "items" and cell in asked]
        return compare.survives_holm(check, others, self.policy.alpha)

    def claims(self) -> list[Claim]:
        """Return the paper's claims on what this run measures; a broken cell leaves its claims untested."""
        return self._quality.claims()

    def claimed(self) -> list[Claim]:
        """Return the same claims before anything is measured: what each is about."""
        return self._quality.claimed()

    def place(self, check: Check) -> tuple[int, int, str]:
        """Return the sort key of a check in the report, regardless of the order of execution."""
        return conclude.place(check, self.plan)

    def conclude(self, checks: Sequence[Check], kernels: Sequence[KernelReport] = (), partial: Partial | None = None) -> Report:
        """Build the report from the checks; `kernels` are the tables of kernel timings, `partial` lists planned checks that did not run."""
        return conclude.conclude(self.prepared, self.results, self._quality, self._waiving, checks, kernels, partial)


def threads_for(workers: int) -> int:
    """Return how many threads each of several worker processes should use."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))
