"""Artifacts and measurements of one plan: requested by name, made at most once, and an error is remembered like a result."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial

from pytest_unicomp.api.errors import InfrastructureError, UnicompError
from pytest_unicomp.api.protocols import Evaluation, Progress
from pytest_unicomp.api.records import Artifact, Measurement, Model
from pytest_unicomp.config.evaluated_by import EvaluatedBy, evaluated_by
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.serving import build as served_models
from pytest_unicomp.run.artifacts import Artifacts
from pytest_unicomp.run.calibrate import CalibrationSet
from pytest_unicomp.run.executors.job import Job
from pytest_unicomp.run.executors.local import LocalExecutor
from pytest_unicomp.run.loaded_models import LoadedModels
from pytest_unicomp.run.measurements import Measurements
from pytest_unicomp.run.pace import Pace
from pytest_unicomp.run.plan import REFERENCE, Cell, Plan
from pytest_unicomp.run.step import StepProgress
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store


class Results:
    """The results that the stages make for one plan; a broken recipe is tried once."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        evaluation: Evaluation,
        *,
        store: Store,
        baselines: Baselines,
        progress: StepProgress,
        detail: Progress,
    ) -> None:
        """Keep the parts; nothing is made before it is requested."""
        self._settings, self._model_name, self._table = settings, plan.model, plan.table
        self._evaluation, self._store, self._baselines = evaluation, store, baselines
        self._progress, self._detail = progress, detail
        self._executor = LocalExecutor()
        self._artifacts = Artifacts(settings, plan, evaluation, store=store, progress=progress, detail=detail)
        self.loaded = LoadedModels(settings, self._artifacts, store, progress)
        self.promised: tuple[Cell, ...] = ()

    def promise(self, cells: Iterable[Cell]) -> None:
        """Take note of the cells whose results will be requested; the reference is then measured on all of them while it is loaded."""
        self.promised = tuple(dict.fromkeys(cells))

    def hand_over(self, executor: LocalExecutor) -> None:
        """Let an executor work at what was promised, the reference first; nothing may have been requested before."""
        self._executor = executor
        names: dict[str, list[str]] = {} if self._settings.reference == "stored" else {REFERENCE: []}
        for cell in self.promised:
            if cell.recipe == REFERENCE:
                # A kernel is timed here, on the shapes of the reference; nothing has to be made for it elsewhere.
                continue
            asked = names.setdefault(cell.recipe, [])
            for benchmarks_of in (asked, names.get(REFERENCE, [])):
                if cell.kind == "items" and cell.benchmark and cell.benchmark not in benchmarks_of:
                    benchmarks_of.append(cell.benchmark)
        executor.promise([Job(self._settings, recipe, tuple(asked)) for recipe, asked in names.items()])

    def close(self) -> None:
        """Stop unfinished promised jobs, release every model, and stop every server that was started."""
        self._executor.close()
        self.loaded.release()

    @property
    def model(self) -> Model:
        """The reference on this machine; fetched from the hub if needed and allowed."""
        return self._artifacts.model

    @property
    def device(self) -> str:
        """The device that does the work: "cpu" or "cuda:N"."""
        return self._artifacts.device

    def calibration(self, specification: str | None = None) -> CalibrationSet:
        """Return the calibration text of a mixture, by default the run's; nothing is drawn before it is requested."""
        return self._artifacts.calibration(specification)

    def artifact(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, of a candidate, or of the reference; raise UnicompError if it cannot be made."""
        made: Artifact = self._executor.result(("artifact", recipe), lambda: self._make(recipe))
        return made

    def _make(self, recipe: str) -> Artifact:
        if not self.artifact_is_stored(recipe):
            # A model of the step before would take the memory that the method needs, and would count as the method's own.
            self.loaded.release_models()
        return self._artifacts.make(recipe)

    def subject(self, recipe: str) -> Artifact:
        """Return the artifact that is evaluated and timed for a recipe; for a reference that is already served, that server's model."""
        if recipe == REFERENCE and served(self._settings.reference):
            return served_models.artifact(REFERENCE, self._settings.reference)
        return self.artifact(recipe)

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        """Return the measurement of an artifact on a benchmark that scores items or reads a size."""
        if recipe == REFERENCE:
            return self.reference(benchmark)
        made: Measurement = self._executor.result(("measurement", recipe, benchmark), lambda: self._measure(recipe, benchmark))
        return made

    def reference(self, benchmark: str) -> Measurement:
        """Return the reference's measurement, of this run or from stored evidence; raise InfrastructureError if that evidence is gone."""
        if self.reference_is_stored(benchmark):
            evidence = self._baselines.read(self._model_name, "dense", benchmark)
            if evidence is None:
                wanted = self._baselines.path(self._model_name, "dense", benchmark)
                raise InfrastructureError(f"unicomp: the stored evidence of the reference on {benchmark} is gone; expected {wanted}.")
            return evidence
        made: Measurement = self._executor.result(("measurement", REFERENCE, benchmark), lambda: self._measure(REFERENCE, benchmark))
        self._measure_ahead()
        return made

    def artifact_is_stored(self, recipe: str) -> bool:
        """Return True if nothing has to be compressed for a recipe."""
        return self._artifacts.is_stored(recipe)

    def is_measured(self, recipe: str, benchmark: str) -> bool:
        """Return True if the store holds the measurement of a recipe on a benchmark; makes nothing."""
        return self.artifact_is_stored(recipe) and self._store.read("measurements", self.key(recipe, benchmark)) is not None

    def reference_is_stored(self, benchmark: str) -> bool:
        """Return True if the reference's scores on a benchmark come from its stored evidence."""
        return self._settings.reference == "stored" and self.scores_items(benchmark)

    def scores_items(self, benchmark: str) -> bool:
        """Return True if a benchmark scores items."""
        return self._table[benchmark].kind == "items"

    def part(self, recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
        """Return the measurement of an artifact on some items of a benchmark alone; kept in the store like a whole one."""
        made = self._measurements.items(self.subject(recipe), recipe, benchmark, only=items)
        assert made is not None
        return made

    def key(self, recipe: str, benchmark: str, items: frozenset[str] | None = None) -> str:
        """Return the key in the store of the measurement of a recipe on a benchmark, or on some of its items."""
        return self._measurements.key(self.subject(recipe), recipe, benchmark, items)

    def evaluated_by(self, recipe: str) -> EvaluatedBy:
        """Return the backend, or the server, that evaluates a recipe, a candidate or the reference."""
        return evaluated_by(self._settings, None if recipe == REFERENCE else recipe)

    @cached_property
    def _measurements(self) -> Measurements:
        return Measurements(
            self._evaluation,
            self.device,
            self.loaded,
            evaluated_by=self.evaluated_by,
            table=self._table,
            store=self._store,
            progress=self._progress,
            detail=self._detail,
            pace=Pace(self._store, self._model_name, self.device),
        )

    def wait_for_others(self) -> None:
        """Return when no other process works at this plan: its memory and its load would count as the model's."""
        self._executor.wait()

    def _measure(self, recipe: str, benchmark: str) -> Measurement | None:
        if self._table[benchmark].kind == "size":
            self.wait_for_others()
            return self._measurements.size(self.artifact(recipe), recipe, benchmark)
        return self._measurements.items(self.subject(recipe), recipe, benchmark)

    def _measure_ahead(self) -> None:
        """Measure the reference on everything promised while it is loaded; what another process is measuring is left to it."""
        if self._executor.elsewhere:
            return
        for name in dict.fromkeys(cell.benchmark for cell in self.promised if cell.kind == "items" and cell.benchmark):
            try:
                self._executor.result(("ahead", name), partial(self._ahead, name))
            except UnicompError:
                # The same error is raised again for the cell that needs this benchmark, which can report it.
                continue

    def _ahead(self, benchmark: str) -> Measurement | None:
        return self._measurements.items(self.subject(REFERENCE), REFERENCE, benchmark, wait=False)
