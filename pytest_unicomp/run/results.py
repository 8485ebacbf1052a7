"""Artifacts, measurements and timings: each made at most once per content, kept in the store, and asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, cast

from pytest_unicomp.api.errors import InfrastructureError, UnicompError
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, Progress, SizeBenchmark
from pytest_unicomp.api.records import Artifact, Measurement, Model, Source
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.api.source_digest import package_digest, source_digest
from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.compare.hashes import content
from pytest_unicomp.config.evaluation import key_of
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.resume_log import ResumeLog
from pytest_unicomp.engine.serving import build as served_models
from pytest_unicomp.run import compress, evaluate
from pytest_unicomp.run.calibrate import CalibrationSet
from pytest_unicomp.run.executors.job import Job
from pytest_unicomp.run.executors.local import LocalExecutor
from pytest_unicomp.run.plan import REFERENCE, Cell, Plan
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.baselines import Baselines
from pytest_unicomp.store.local import Store, digest

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.engine.serving import ServedEngine

T = TypeVar("T")


class Results:
    """What the stages make for one plan; an error is remembered like a result, so that a broken recipe is tried once."""

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
        """Keep the parts; nothing is made before it is asked for."""
        self._settings, self._plan, self._evaluation = settings, plan, evaluation
        self._store, self._baselines, self._progress, self._detail = store, baselines, progress, detail
        self._executor = LocalExecutor()
        self._engines: dict[str, Engine | ServedEngine] = {}
        self._sources: dict[tuple[str, str, frozenset[str] | None], Source] = {}
        self.promised: tuple[Cell, ...] = ()

    def promise(self, cells: Iterable[Cell]) -> None:
        """Say which cells will be asked for; the reference is then measured on all of them while it is loaded."""
        self.promised = tuple(dict.fromkeys(cells))

    def hand_over(self, executor: LocalExecutor) -> None:
        """Let an executor work at what was promised, the reference first; nothing may have been asked for before."""
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
        """Stop whatever still works at promised jobs, and every server that was started."""
        self._executor.close()
        self.release()

    def release(self) -> None:
        """Free the memory of every loaded model, and stop every server that was started."""
        for path in list(self._engines):
            self._engines.pop(path).release()

    def outstanding(self) -> list[Step]:
        """List the steps that a run with an empty store would take for what is promised, in order."""
        steps: dict[Step, None] = {}
        items = [cell for cell in self.promised if cell.kind == "items" and cell.benchmark]
        for cell in self.promised:
            # Steps of one recipe together; the reference is measured with the first that needs it.
            if cell.recipe != REFERENCE and self._is_made(cell.recipe):
                steps[Step("compress", cell.recipe)] = None
            if cell in items:
                if items[0] == cell and self._settings.reference != "stored":
                    steps |= dict.fromkeys(Step("evaluate", REFERENCE, other.benchmark) for other in items)
                steps[Step("evaluate", cell.recipe, cell.benchmark)] = None
            elif cell.kind == "size" and cell.benchmark in benchmarks() and benchmarks()[cell.benchmark].identity(self._evaluation):
                steps |= dict.fromkeys(Step("measure", name, cell.benchmark) for name in (REFERENCE, cell.recipe))
        steps |= dict.fromkeys(Step("time", cell.recipe, cell.benchmark) for cell in self.promised if cell.kind == "latency")
        return [*steps, *dict.fromkeys(Step("time", REFERENCE, cell.benchmark) for cell in self.promised if cell.kind == "kernel")]

    def _is_made(self, recipe: str) -> bool:
        candidate = self._plan.candidate(recipe)
        return candidate.method is not None and not candidate.is_reference

    @cached_property
    def model(self) -> Model:
        """The reference on this machine; fetched from the hub where needed and allowed."""
        return guarded(lambda: compress.reference(self._plan.model, self._settings.bundle), f"model {self._plan.model}")

    @cached_property
    def device(self) -> str:
        """The device that does the work: "cpu" or "cuda:N"."""
        return host.resolve_device(self._settings.device)

    # Artifacts

    def artifact(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, of a candidate, or of the reference; raise UnicompError where it cannot be made."""
        made: Artifact = self._executor.result(("artifact", recipe), lambda: self._make_artifact(recipe))
        return made

    def _make_artifact(self, recipe: str) -> Artifact:
        if recipe == REFERENCE:
            return compress.dense(self.model)
        candidate = self._plan.candidate(recipe)
        source, method = candidate.source, candidate.method
        if candidate.address is not None:
            return served_models.artifact(recipe, candidate.address)
        if source is not None:
            bundle = self._settings.bundle
            return guarded(lambda: compress.adopt(recipe, source, bundle, self._store, self._progress), f"candidate {recipe}")
        if method is None or candidate.is_reference:
            return compress.dense(self.model)
        text = self.calibration(candidate.calibration)
        how = compress.Compression(
            store=self._store,
            seed=self._settings.seed,
            device=self.device,
            calibration_identity=text.identity,
            calibration=text.draw,
            progress=self._progress,
            detail=self._detail,
        )
        return compress.compress(self.model, recipe, method, how)

    def calibration(self, specification: str | None = None) -> CalibrationSet:
        """Return the calibration text of a mixture, by default the run's; nothing is drawn before it is asked for."""
        return CalibrationSet(
            specification or self._settings.calibration, self._settings, self.model, self._plan.benchmarks, self._evaluation, self._store
        )

    # Measurements

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        """Return the measurement of an artifact on a benchmark that scores items or reads a size."""
        if recipe == REFERENCE:
            return self.reference(benchmark)
        made: Measurement = self._executor.result(("measurement", recipe, benchmark), lambda: self._measure(recipe, benchmark))
        return made

    def reference(self, benchmark: str) -> Measurement:
        """Return the reference's measurement: from this run, or from the stored evidence."""
        if self._settings.reference == "stored" and benchmarks()[benchmark].kind == "items":
            evidence = self._baselines.read(self._plan.model, "dense", benchmark)
            if evidence is None:
                wanted = self._baselines.path(self._plan.model, "dense", benchmark)
                raise InfrastructureError(f"unicomp: the stored evidence of the reference on {benchmark} is gone; expected {wanted}.")
            return evidence
        made: Measurement = self._executor.result(("measurement", REFERENCE, benchmark), lambda: self._measure(REFERENCE, benchmark))
        self._measure_ahead()
        return made

    def _measure_ahead(self) -> None:
        """Measure the reference on everything promised while it is loaded; what another process is measuring is left to it."""
        if self._executor.elsewhere:
            return
        for name in dict.fromkeys(cell.benchmark for cell in self.promised if cell.kind == "items" and cell.benchmark):
            try:
                self._executor.result(("ahead", name), partial(self._measure, REFERENCE, name, wait=False))
            except UnicompError:
                # The cell that needs this benchmark meets the same error where it can be reported.
                continue

    def part(self, recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
        """Return the measurement of an artifact on some items of a benchmark alone; kept in the store like a whole one."""
        made = self._measure(recipe, benchmark, replace(self._evaluation, only=items))
        assert made is not None
        return made

    # What a check rests on

    def source(self, recipe: str, benchmark: str, made: Measurement, items: frozenset[str] | None = None) -> Source:
        """Name the stored document that holds a measurement, or the part of it that `items` are, so that the check can be made again from it."""
        side: Literal["reference", "candidate"] = "reference" if recipe == REFERENCE else "candidate"
        stored = recipe == REFERENCE and self._settings.reference == "stored"
        if stored or benchmarks()[benchmark].kind != "items":
            return self.kept(side, made)
        known = (recipe, benchmark, items)
        if known not in self._sources:
            key = self._measurement_key(self.subject(recipe), benchmark, replace(self._evaluation, only=items))
            self._sources[known] = Source(side=side, kind="measurements", key=key, digest=content(made), part=items is not None)
        return self._sources[known]

    def kept(self, side: Literal["reference", "candidate", "earlier"], made: Measurement) -> Source:
        """Keep a measurement that is not the store's own (a baseline, a size) under its content, and name it."""
        found = content(made)
        if self._store.read("evidence", found) is None:
            self._store.write("evidence", found, made.model_dump(mode="json"))
        return Source(side=side, kind="evidence", key=found, digest=found)

    def _measure(self, recipe: str, name: str, evaluation: Evaluation | None = None, *, wait: bool = True) -> Measurement | None:
        benchmark = benchmarks()[name]
        evaluation = evaluation or self._evaluation
        if benchmark.kind == "size":
            return self._measure_size(recipe, name)
        artifact = self.subject(recipe)
        key = self._measurement_key(artifact, name, evaluation)
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

    def subject(self, recipe: str) -> Artifact:
        """Return what is asked and timed for a recipe: its artifact, or where the reference is served already, that server's model."""
        if recipe == REFERENCE and served(self._settings.reference):
            return served_models.artifact(REFERENCE, self._settings.reference)
        return self.artifact(recipe)

    def _measure_size(self, recipe: str, name: str) -> Measurement:
        """Read a number off an artifact; one that takes work (its benchmark says how it is made) is kept like other measurements."""
        benchmark, artifact = cast("SizeBenchmark", benchmarks()[name]), self.artifact(recipe)
        how = f"benchmark {name} on {recipe}"
        if not benchmark.identity(self._evaluation):
            return guarded(lambda: evaluate.measure_size(artifact, name, benchmark, self._evaluation), how)
        measured_by = {"machine": host.device_name(self.device), "runtimes": runtime_source()}
        key = digest({"measurement": self._measurement_key(artifact, name, self._evaluation), **measured_by})
        kept = self._store.read("measurements", key)
        if kept is None:
            with self._store.lock("measurements", key):
                kept = self._store.read("measurements", key)
                if kept is None:
                    self._progress(Step("measure", recipe, name))
                    made = guarded(lambda: evaluate.measure_size(artifact, name, benchmark, self._evaluation), how)
                    self._store.write("measurements", key, made.model_dump(mode="json"))
                    return made
        return Measurement.model_validate(kept)

    def _evaluate(self, artifact: Artifact, name: str, recipe: str, key: str, evaluation: Evaluation) -> Measurement:
        self._progress(Step("evaluate", recipe, name, items=None if evaluation.only is None else len(evaluation.only)))
        engine = self.engine(artifact) if self._settings.backend == "hf" and not served(artifact.path) else self.server(artifact)
        benchmark = cast("ItemBenchmark", benchmarks()[name])
        journal = ResumeLog(self._store.root / "journals" / f"{key}.jsonl")
        if len(journal):
            self._detail(f"resume {recipe} on {name}: {len(journal)} answers are known")
        finished = False
        try:
            with journal.attached_to(engine.lm):
                measured = guarded(lambda: evaluate.measure(artifact, name, benchmark, engine, evaluation), f"benchmark {name} on {recipe}")
            if (reason := getattr(vars(engine.lm).get("capabilities"), "reason", None)) is not None:
                self._detail(f"{recipe} is scored without shared prefixes: {reason}")
            self._store.write("measurements", key, measured.model_dump(mode="json"))
            finished = True
        finally:
            journal.close(keep=not finished)
        return measured

    def _measurement_key(self, artifact: Artifact, name: str, evaluation: Evaluation) -> str:
        benchmark = benchmarks()[name]
        return digest(
            {
                "artifact": artifact.fingerprint,
                "benchmark": name,
                "identity": benchmark.identity(self._evaluation),
                "options": key_of(evaluation),
                "only": None if evaluation.only is None else sorted(evaluation.only),
                "device": self.device,
                "versions": host.versions(),
                "source": [source_digest(benchmark), evaluate.source()],
            }
        )

    def server(self, artifact: Artifact, *, beside: Sequence[Artifact] = ()) -> ServedEngine:
        """Return the engine of a model's server, which is started first where it has no address; all others but those in `beside` are released."""
        from pytest_unicomp.engine import serving

        address = artifact.path if served(artifact.path) else None
        wanted = {artifact.path, *(other.path for other in beside)}
        for path in [path for path, loaded in self._engines.items() if path not in wanted or loaded.device != "server"]:
            self._engines.pop(path).release()
        if artifact.path not in self._engines:
            # The tokenizer is the reference's: both sides must be put the same prompts, and a served candidate has no files here.
            base = Path(self.model.path)
            if address is not None:
                engine = guarded(lambda: serving.connect(serving.Endpoint.parse(address), base), f"the server {address}")
            else:
                command = serving.ServeCommand(self._settings.serve or "", artifact_check.folder(artifact))
                self._progress(Step("serve", artifact.recipe))
                endpoint = guarded(command.start, f"serving {artifact.recipe}")
                try:
                    engine = guarded(
                        lambda: serving.connect(endpoint, base, stop=command.stop, session=command.session),
                        f"the server of {artifact.recipe}",
                    )
                except BaseException:
                    command.stop()
                    raise
            self._engines[artifact.path] = engine
        return cast("ServedEngine", self._engines[artifact.path])

    def engine(self, artifact: Artifact, *, beside: Sequence[Artifact] = ()) -> Engine:
        """Return the loaded model of an artifact; all others but those in `beside` are released first."""
        from pytest_unicomp import engine

        wanted = {artifact.path, *(other.path for other in beside)}
        for path in [path for path, loaded in self._engines.items() if path not in wanted or loaded.device == "server"]:
            self._engines.pop(path).release()
        if artifact.path not in self._engines:
            folder, dtype = Path(artifact.path), self._evaluation.dtype
            loaded = guarded(
                lambda: engine.load(folder, device=self.device, dtype=dtype, sharded=self._settings.device == "sharded"),
                f"loading {artifact.recipe}",
            )
            loaded.store = self._store
            self._engines[artifact.path] = loaded
        return cast("Engine", self._engines[artifact.path])


def guarded(work: Callable[[], T], what: str) -> T:
    """Do the work; whatever breaks in a library becomes one InfrastructureError that says what was being done."""
    try:
        return work()
    except UnicompError:
        raise
    except Exception as error:
        raise InfrastructureError(f"unicomp: {what} failed: {type(error).__name__}: {error}") from error


@cache
def runtime_source() -> str:
    """Return 16 hex digits over the code that puts kernels into models, so that timings made by older code are not reused."""
    return package_digest("pytest_unicomp.engine.runtimes")
