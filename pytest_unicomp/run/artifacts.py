"""Makes the artifacts of one plan: compresses the reference by each recipe, and adopts checkpoints that were made elsewhere."""

from __future__ import annotations

from functools import cached_property

from pytest_unicomp.api.errors import guarded
from pytest_unicomp.api.protocols import Evaluation, Progress
from pytest_unicomp.api.records import Artifact, Model
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.serving import build as served_models
from pytest_unicomp.run import adopt, compress
from pytest_unicomp.run.calibrate import CalibrationSet
from pytest_unicomp.run.plan import REFERENCE, Plan
from pytest_unicomp.run.step import StepProgress
from pytest_unicomp.store.local import Store


class Artifacts:
    """The reference, and an artifact for each candidate of the plan."""

    def __init__(
        self, settings: Settings, plan: Plan, evaluation: Evaluation, *, store: Store, progress: StepProgress, detail: Progress
    ) -> None:
        """Store the arguments; artifacts are made on first request."""
        self._settings, self._plan, self._evaluation = settings, plan, evaluation
        self._store, self._progress, self._detail = store, progress, detail

    @cached_property
    def model(self) -> Model:
        """The reference on this machine; fetched from the hub if needed and allowed."""
        return guarded(
            lambda: adopt.reference(self._plan.model, self._settings.bundle, self._store, self._progress), f"model {self._plan.model}"
        )

    @cached_property
    def device(self) -> str:
        """The device that does the work: "cpu" or "cuda:N"."""
        return host.resolve_device(self._settings.device)

    def make(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, a candidate or the reference, from the store if it is there; raise UnicompError if it cannot be made."""
        if recipe == REFERENCE:
            return adopt.dense(self.model, self._store)
        candidate = self._plan.candidate(recipe)
        source, method = candidate.source, candidate.method
        if candidate.address is not None:
            return served_models.artifact(recipe, candidate.address)
        if source is not None:
            return guarded(lambda: self._adopt(recipe, source), f"candidate {recipe}")
        if method is None or candidate.is_reference:
            return adopt.dense(self.model, self._store)
        return compress.compress(self.model, recipe, method, self._how(self.calibration(candidate.calibration)))

    def is_stored(self, recipe: str) -> bool:
        """Return True if nothing has to be compressed for a recipe; draws no text."""
        method = None if recipe == REFERENCE else self._plan.candidate(recipe).method
        if method is None or self._plan.candidate(recipe).is_reference:
            return True
        text = self.calibration(self._plan.candidate(recipe).calibration)
        if method.calibrated and text.known_identity() is None:
            return False
        return compress.is_stored(self.model, method, self._how(text))

    def _how(self, text: CalibrationSet) -> compress.Compression:
        return compress.Compression(
            store=self._store,
            seed=self._settings.seed,
            device=self.device,
            calibration_identity=text.identity,
            calibration=text.draw,
            progress=self._progress,
            detail=self._detail,
        )

    def _adopt(self, recipe: str, source: str) -> Artifact:
        return adopt.adopt(recipe, source, self.model, self._settings.bundle, self._store, self._progress)

    def calibration(self, specification: str | None = None) -> CalibrationSet:
        """Return the calibration text of a mixture, by default the run's; nothing is drawn before it is requested."""
        return CalibrationSet(
            specification or self._settings.calibration,
            self._settings,
            self.model,
            {name: self._plan.table[name] for name in self._plan.benchmarks},
            self._evaluation,
            self._store,
            self.device,
        )
