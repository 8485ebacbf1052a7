"""Makes measurements, each once per content: read from the store, or evaluated under a lock and kept there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pytest_unicomp.api.errors import InfrastructureError, guarded
from pytest_unicomp.api.protocols import Benchmark, Evaluation, ItemBenchmark, Progress, SizeBenchmark
from pytest_unicomp.api.records import Artifact, Measurement
from pytest_unicomp.api.registry import Table
from pytest_unicomp.api.source_digest import source_digest
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.config.evaluated_by import EvaluatedBy
from pytest_unicomp.config.evaluation import key_of
from pytest_unicomp.config.generation_values import limit_of
from pytest_unicomp.config.parsers import served
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.resume_log import ResumeLog
from pytest_unicomp.run import evaluate
from pytest_unicomp.run.loaded_models import LoadedModels
from pytest_unicomp.run.named_content import named_content
from pytest_unicomp.run.pace import Pace
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store import quarantine
from pytest_unicomp.store.local import Store, digest


class Measurements:
    """Evaluates artifacts on this run's device and options; an evaluation that was interrupted resumes from its journal."""

    def __init__(
        self,
        evaluation: Evaluation,
        device: str,
        loaded: LoadedModels,
        *,
        evaluated_by: Callable[[str], EvaluatedBy],
        table: Table[Benchmark],
        store: Store,
        progress: StepProgress,
        detail: Progress,
        pace: Pace,
    ) -> None:
        """Store the arguments; cells are measured on request. `evaluated_by` says of a recipe what evaluates it, `table` holds the run's benchmarks."""
        self._evaluation, self._device, self._loaded, self._evaluated_by = evaluation, device, loaded, evaluated_by
        self._store, self._progress, self._detail, self._pace, self._table = store, progress, detail, pace, table

    def items(
        self, artifact: Artifact, recipe: str, name: str, *, only: frozenset[str] | None = None, wait: bool = True
    ) -> Measurement | None:
        """Return an artifact's scores on a benchmark, or on the items in `only` alone.

        Returns None if another process is measuring the same and `wait` is False.
        """
        evaluation = replace(self._evaluation_of(recipe, name), only=only)
        key = self.key(artifact, recipe, name, only)
        kept = self._store.read("measurements", key)
        if kept is None:
            with self._store.lock("measurements", key, wait=wait) as mine:
                if not mine:
                    return None
                # Another process may have finished it while this one waited for the lock.
                kept = self._store.read("measurements", key)
                if kept is None:
                    return self._evaluate(artifact, name, recipe, key, evaluation)
        return Measurement.model_validate(kept)

    def size(self, artifact: Artifact, recipe: str, name: str) -> Measurement:
        """Return a number read off an artifact; one that takes work (its benchmark has an identity) is kept like other measurements."""
        benchmark = cast("SizeBenchmark", self._table[name])
        how = f"benchmark {name} on {recipe}"
        if not benchmark.identity(self._evaluation):
            return guarded(lambda: evaluate.measure_size(artifact, name, benchmark, self._evaluation), how)
        measured_by = {"machine": host.device_name(self._device), "runtimes": evaluate.runtime_source()}
        parts = {"measurement": self.key(artifact, recipe, name), **measured_by}
        key = digest(parts)
        kept = self._store.read("measurements", key)
        if kept is None:
            with self._store.lock("measurements", key):
                kept = self._store.read("measurements", key)
                if kept is None:
                    self._progress(Step("measure", recipe, name))
                    if self._device != "cpu":
                        # A process of its own measures; on a GPU there is no room for two models.
                        self._loaded.release_models()
                    made = guarded(lambda: evaluate.measure_size(artifact, name, benchmark, self._evaluation), how)
                    self._store.write("measurements", key, made.model_dump(mode="json"), parts)
                    return made
        return Measurement.model_validate(kept)

    def key(self, artifact: Artifact, recipe: str, name: str, only: frozenset[str] | None = None) -> str:
        """Return the key in the store: 32 hex digits over everything that shapes the measurement."""
        return digest(self._parts(artifact, recipe, name, only))

    def _evaluation_of(self, recipe: str, name: str) -> Evaluation:
        """Return how a recipe is evaluated on a benchmark; limits of other benchmarks do not shape its measurement."""
        evaluation = self._evaluated_by(recipe).of(self._evaluation)
        return replace(evaluation, max_gen_toks=limit_of(evaluation.max_gen_toks, name))

    def _parts(self, artifact: Artifact, recipe: str, name: str, only: frozenset[str] | None) -> dict[str, Any]:
        benchmark = self._table[name]
        return {
            "artifact": artifact.fingerprint,
            "generation": self._generation(artifact),
            "benchmark": name,
            "identity": benchmark.identity(self._evaluation),
            "options": key_of(self._evaluation_of(recipe, name)),
            "only": None if only is None else sorted(only),
            "device": host.device_key(self._device, sharded=self._evaluation.device == "sharded"),
            "versions": host.versions(),
            "source": [source_digest(benchmark), evaluate.source()],
            **({"named": named} if (named := named_content(self._evaluated_by(recipe), artifact, self._store.digests.of)) else {}),
        }

    def _generation(self, artifact: Artifact) -> str | None:
        """Return the digest of the settings that a model generates with, which its fingerprint leaves out; None if it has no such file here."""
        file = Path(artifact.path) / "generation_config.json"
        return self._store.digests.of(file) if file.is_file() else None

    def _require_same_files(self, artifact: Artifact, recipe: str, key: str, evaluation: Evaluation, name: str) -> None:
        """Raise InfrastructureError if the files of an artifact are others now than those that its measurement would be filed under."""
        if served(artifact.path):
            return
        found = hub.fingerprint(Path(artifact.path), digest_of=self._store.digests.of)
        if found != artifact.fingerprint:
            raise InfrastructureError(
                f"unicomp: the files of {artifact.recipe} in {artifact.path} are not those of its fingerprint {artifact.fingerprint[:12]} any "
                f"more (found {found[:12]}), so its scores on {name} are not kept; leave the folder alone while a run reads it, and run again."
            )
        if self.key(artifact, recipe, name, evaluation.only) != key:
            raise InfrastructureError(
                f"unicomp: the data of {name}, the generation settings of {artifact.recipe} or the code of this package changed during its "
                "evaluation, so its scores are not kept; leave them alone while a run reads them, and run again."
            )

    def _evaluate(self, artifact: Artifact, name: str, recipe: str, key: str, evaluation: Evaluation) -> Measurement:
        self._progress(Step("evaluate", recipe, name, items=None if evaluation.only is None else len(evaluation.only)))
        by = self._evaluated_by(recipe)
        engine = self._loaded.evaluator(artifact, by)
        benchmark = cast("ItemBenchmark", self._table[name])
        journal = ResumeLog(self._store.root / "journals" / f"{key}.jsonl")
        if journal.damaged:
            self._store.notice(quarantine.set_lines_aside(self._store.root, "journals", key, journal.damaged))
        known = len(journal)
        if known:
            self._detail(f"resume {recipe} on {name}: {known} answers are known")
        finished = False
        try:
            with self._loaded.answering((artifact, by)), journal.attached_to(engine.lm):
                measured = guarded(lambda: evaluate.measure(artifact, name, benchmark, engine, evaluation), f"benchmark {name} on {recipe}")
            if (reason := getattr(vars(engine.lm).get("capabilities"), "reason", None)) is not None:
                self._detail(f"{recipe} is scored without shared prefixes: {reason}")
            self._require_same_files(artifact, recipe, key, evaluation, name)
            self._store.write("measurements", key, measured.model_dump(mode="json"), self._parts(artifact, recipe, name, evaluation.only))
            finished = True
            # What was known before, or is a part alone, would make the machine look faster or slower than it is.
            if not known and evaluation.only is None:
                self._pace.note(name, measured.seconds, measured.n)
        finally:
            journal.close(keep=not finished)
        return measured
