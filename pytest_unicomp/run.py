"""The whole of one run: knows every stage, and nothing of pytest; results are promised, made at most once, and kept in the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp import baselines as stored
from pytest_unicomp import checkpoints, compare, compress, evaluate, machine, soundness
from pytest_unicomp.calibration import mixture
from pytest_unicomp.errors import InfrastructureError, UnicompError, UsageProblem
from pytest_unicomp.executors.local import LocalExecutor
from pytest_unicomp.options import Settings
from pytest_unicomp.plan import Candidate, Cell, Plan, plan
from pytest_unicomp.records import Artifact, Check, Measurement, Model, RecipeVerdict, ReferenceSummary, Report
from pytest_unicomp.registry import Calibration, Evaluation, Progress, benchmarks, file_digest, methods, source_digest
from pytest_unicomp.store import Store, default_root, digest
from pytest_unicomp.timing import PairedRounds

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

REFERENCE = "reference"
LATENCY_MARGIN = 0.25


def silent(message: str) -> None:
    """Report progress to nobody."""


class Run:
    """One model, its candidates, its benchmarks; usable without pytest: `Run(settings).retention(cell)`."""

    def __init__(self, settings: Settings, *, progress: Progress = silent) -> None:
        """Check the settings against what is there; raise UsageProblem for the first thing that is wrong. Starts nothing."""
        self.settings = settings
        self.progress = progress
        self.policy = compare.Policy(
            alpha=settings.alpha,
            capability_margin=settings.margin,
            benchmark_margin=settings.benchmark_margin,
            drift_margin=settings.drift_margin,
            inconclusive="warn" if settings.inconclusive == "warn" else "fail",
        )
        self.store = Store(settings.cache or default_root())
        self.baselines = stored.Baselines(settings.baselines or Path("baselines"), stored.packaged())
        self.evaluation = Evaluation(
            limit=settings.limit, seed=settings.seed, bundle=settings.bundle, device=settings.device, dtype=settings.dtype
        )
        if settings.bundle is not None and not settings.bundle.is_dir():
            raise UsageProblem(f"unicomp: --unicomp-bundle {settings.bundle} is not a folder; expected one in hub layout (<org>/<name>/...).")
        for name in (settings.model, *settings.candidate):
            if name is not None:
                checkpoints.validate(name, settings.bundle)
        self.plan: Plan = plan(settings, self.evaluation)
        if any(candidate.source is None for candidate in self.plan.candidates):
            mixture.validate(settings.calibration, settings.bundle, self.plan.model)
        self._check_stored_reference()
        self._executor = LocalExecutor()
        self._engines: dict[str, Engine] = {}
        self._promised: tuple[Cell, ...] = ()

    def _check_stored_reference(self) -> None:
        if self.settings.reference != "stored":
            return
        for cell in self.plan.cells:
            if cell.kind == "items" and self.baselines.find(self.plan.model, "dense", cell.benchmark) is None:
                wanted = self.baselines.path(self.plan.model, "dense", cell.benchmark)
                raise UsageProblem(
                    f"unicomp: --unicomp-reference=stored, but there is no evidence of the reference on {cell.benchmark} ({wanted}); "
                    "make it once with --unicomp-recipe=dense --unicomp-update=missing."
                )

    # What will be asked for

    def promise(self, cells: Iterable[Cell]) -> None:
        """Say which cells will be asked for; the reference is then measured on all of them while it is loaded."""
        self._promised = tuple(dict.fromkeys(cells))

    def candidate(self, recipe: str) -> Candidate:
        """Return the plan's entry for a recipe."""
        return next(candidate for candidate in self.plan.candidates if candidate.name == recipe)

    def cells(self, recipe: str, capability: str | None = None) -> tuple[Cell, ...]:
        """Return the plan's cells of a recipe, of one capability or of all."""
        return tuple(cell for cell in self.plan.cells if cell.recipe == recipe and capability in (None, cell.capability))

    # Artifacts

    @cached_property
    def model(self) -> Model:
        """The reference on this machine; fetched from the hub where needed and allowed."""
        return self._guard(lambda: compress.reference(self.plan.model, self.settings.bundle), f"model {self.plan.model}")

    def artifact(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, of a candidate, or of the reference; raise UnicompError where it cannot be made."""
        made: Artifact = self._executor.result(("artifact", recipe), lambda: self._make_artifact(recipe))
        return made

    def _make_artifact(self, recipe: str) -> Artifact:
        if recipe == REFERENCE:
            return compress.dense(self.model)
        candidate = self.candidate(recipe)
        if candidate.source is not None:
            source = candidate.source
            return self._guard(lambda: compress.adopt(recipe, source, self.settings.bundle), f"candidate {recipe}")
        method = methods()[recipe]
        if method.method == "dense":
            return compress.dense(self.model)
        return compress.compress(self.model, recipe, method, self._compression)

    @cached_property
    def _compression(self) -> compress.Compression:
        specification = self.settings.calibration
        return compress.Compression(
            store=self.store,
            seed=self.settings.seed,
            device=self.device,
            calibration_identity=mixture.identity(specification, self.settings.bundle),
            calibration=self._calibration,
            progress=self.progress,
        )

    def _calibration(self) -> Calibration:
        return mixture.build(self.settings.calibration, model=self.model, seed=self.settings.seed, bundle=self.settings.bundle)

    @cached_property
    def device(self) -> str:
        """The device that does the work: "cpu" or "cuda:N"."""
        return machine.resolve_device(self.settings.device)

    # Measurements

    def measurement(self, recipe: str, benchmark: str) -> Measurement:
        """Return the measurement of an artifact on a benchmark that scores items or reads a size."""
        if recipe == REFERENCE:
            return self.reference(benchmark)
        made: Measurement = self._executor.result(("measurement", recipe, benchmark), lambda: self._measure(recipe, benchmark))
        return made

    def reference(self, benchmark: str) -> Measurement:
        """Return the reference's measurement: from this run, or from the stored evidence."""
        if self.settings.reference == "stored" and benchmarks()[benchmark].kind == "items":
            evidence = self.baselines.read(self.plan.model, "dense", benchmark)
            if evidence is None:
                raise InfrastructureError(f"unicomp: the stored evidence of the reference on {benchmark} is gone; expected it in {self.baselines.folder}.")
            return evidence
        self._measure_ahead(benchmark)
        made: Measurement = self._executor.result(("measurement", REFERENCE, benchmark), lambda: self._measure(REFERENCE, benchmark))
        return made

    def _measure_ahead(self, first: str) -> None:
        """Measure the reference on everything promised, once, so that only one model need be in memory; others' work is left to them."""
        names = dict.fromkeys([first, *(cell.benchmark for cell in self._promised if cell.kind == "items")])
        for name in names:
            if name == first:
                self._executor.result(("measurement", REFERENCE, name), lambda name=name: self._measure(REFERENCE, name))
                continue
            try:
                self._executor.result(("ahead", name), lambda name=name: self._measure(REFERENCE, name, wait=False))
            except UnicompError:
                # The cell that needs this benchmark meets the same error where it can be reported.
                continue

    def _measure(self, recipe: str, name: str, *, wait: bool = True) -> Measurement | None:
        benchmark = benchmarks()[name]
        artifact = self.artifact(recipe)
        if benchmark.kind == "size":
            return evaluate.measure_size(artifact, name, benchmark, self.evaluation)
        key = self._measurement_key(artifact, name)
        kept = self.store.read("measurements", key)
        if kept is None:
            with self.store.lock("measurements", key, wait=wait) as mine:
                if not mine:
                    return None
                kept = self.store.read("measurements", key)
                if kept is None:
                    self.progress(f"evaluate {recipe} on {name}")
                    engine = self._engine(artifact)
                    measured = self._guard(
                        lambda: evaluate.measure(artifact, name, benchmark, engine, self.evaluation), f"benchmark {name} on {recipe}"
                    )
                    self.store.write("measurements", key, measured.model_dump(mode="json"))
                    return measured
        return Measurement.model_validate(kept)

    def _measurement_key(self, artifact: Artifact, name: str) -> str:
        benchmark = benchmarks()[name]
        return digest(
            {
                "artifact": artifact.fingerprint,
                "benchmark": name,
                "identity": benchmark.identity(self.evaluation),
                "limit": self.evaluation.limit,
                "seed": self.evaluation.seed,
                "device": self.device,
                "dtype": self.evaluation.dtype,
                "versions": machine.versions(),
                "source": [source_digest(benchmark), file_digest(evaluate.__file__)],
            }
        )

    def _engine(self, artifact: Artifact, *, beside: Sequence[Artifact] = ()) -> Engine:
        """Return the loaded model of an artifact; all others but those in `beside` are released first."""
        from pytest_unicomp import engine

        wanted = {artifact.path, *(other.path for other in beside)}
        for path in [path for path in self._engines if path not in wanted]:
            self._engines.pop(path).release()
        if artifact.path not in self._engines:
            self._engines[artifact.path] = self._guard(
                lambda: engine.load(Path(artifact.path), device=self.device, dtype=self.evaluation.dtype), f"loading {artifact.recipe}"
            )
        return self._engines[artifact.path]

    def _guard(self, work: Any, what: str) -> Any:
        """Do the work; whatever breaks in a library becomes one InfrastructureError that says what was being done."""
        try:
            return work()
        except UnicompError:
            raise
        except Exception as error:
            raise InfrastructureError(f"unicomp: {what} failed: {type(error).__name__}: {error}") from error

    # Checks

    def _identity(self, cell: Cell) -> dict[str, Any]:
        return {"recipe": cell.recipe, "family": cell.family, "gates": cell.gates}

    def retention(self, cell: Cell) -> Check:
        """Is what the reference could do kept? Paired per item (design: section 6)."""
        reference = self.reference(cell.benchmark)
        candidate = self.measurement(cell.recipe, cell.benchmark)
        return compare.retention(reference, candidate, **self._identity(cell), policy=self.policy, identical=candidate.artifact == reference.artifact)

    def size(self, cell: Cell) -> Check:
        """Is the artifact no larger than the reference?"""
        reference = self.reference(cell.benchmark)
        candidate = self.measurement(cell.recipe, cell.benchmark)
        return compare.size(reference, candidate, **self._identity(cell), policy=self.policy)

    def baseline(self, cell: Cell) -> Measurement | None:
        """Return the stored evidence of a cell, or None."""
        return self.baselines.read(self.plan.model, cell.recipe, cell.benchmark)

    def wants_drift(self, cell: Cell) -> bool:
        """Say whether a cell is compared with its baseline in this run."""
        if self.settings.drift == "auto":
            return self.baselines.find(self.plan.model, cell.recipe, cell.benchmark) is not None
        return self.settings.drift == "on"

    def drift(self, cell: Cell) -> Check:
        """Is it what it was last time? A missing baseline is written and fails once; `update` says what else is written."""
        current = self.measurement(cell.recipe, cell.benchmark)
        baseline = self.baseline(cell)
        update = self.settings.update
        if baseline is None:
            path = self.baselines.write(self.plan.model, cell.recipe, current)
            return compare.missing_baseline(stored.condense(current), **self._identity(cell), policy=self.policy, written=str(path))
        condensed = stored.condense(current)
        check = compare.drift(baseline, condensed, **self._identity(cell), policy=self.policy)
        if update == "all" or (update == "changed" and not stored.same_evidence(baseline, condensed)):
            self.baselines.write(self.plan.model, cell.recipe, current)
            return check.model_copy(update={"verdict": "pass", "reason": f"baseline rewritten on request; before that: {check.verdict}: {check.reason}"})
        return check

    def soundness(self, cell: Cell) -> Check:
        """Is the artifact a checkpoint that can be shipped, and what its recipe says? Its weights are read once per content."""
        artifact, reference = self.artifact(cell.recipe), self.artifact(REFERENCE)
        parts = {
            "artifact": artifact.fingerprint,
            "settings": artifact.settings,
            "reference": reference.fingerprint,
            "source": file_digest(soundness.__file__),
        }
        kept = self.store.read("soundness", digest(parts))
        if kept is None:
            kept = {"problems": self._guard(lambda: soundness.problems(artifact, reference), f"reading the artifact of {cell.recipe}")}
            self.store.write("soundness", digest(parts), kept)
        return soundness.check(artifact, kept["problems"], **self._identity(cell), confidence=self.policy.confidence)

    def capability(self, recipe: str, capability: str) -> Any:
        """Pool the retention of one capability over the recipe's benchmarks."""
        checks = [self.retention(cell) for cell in self.cells(recipe, capability) if cell.kind == "items"]
        return compare.pool(checks, policy=self.policy)

    def confirmed(self, check: Check) -> bool:
        """Say whether a benchmark's FAIL stands after Holm over all the recipe's benchmarks (those are needed for the verdict anyway)."""
        others = [self.retention(cell) for cell in self.cells(check.recipe) if cell.kind == "items"]
        return compare.survives_holm(check, others, self.policy.alpha)

    def broken(self, cell: Cell, question: str, error: BaseException) -> Check:
        """The check of a cell that could not be made or measured: an error, never a regression and never a pass."""
        benchmark = benchmarks()[cell.benchmark] if cell.benchmark in benchmarks() else None
        return compare.broken(
            **self._identity(cell),
            benchmark=cell.benchmark,
            dimension=cell.dimension,
            capability=cell.capability,
            question=question,
            metric=benchmark.metric if benchmark else "problems",
            higher_is_better=benchmark.higher_is_better if benchmark else False,
            policy=self.policy,
            message=str(error) or type(error).__name__,
        )

    # Latency

    def trial(self, cell: Cell) -> tuple[Callable[[], None], Callable[[], None]]:
        """Return one timed round of the reference and one of the candidate, both models loaded."""
        benchmark = benchmarks()[cell.benchmark]
        artifacts = [self.artifact(REFERENCE), self.artifact(cell.recipe)]
        self.progress(f"time {cell.recipe} on {cell.benchmark}")
        engines = [self._engine(artifact, beside=artifacts) for artifact in artifacts]
        reference, candidate = (benchmark.prepare(engine) for engine in engines)
        return reference, candidate

    def _rounds_key(self, cell: Cell) -> str:
        machine_parts = machine.describe()
        return digest(
            {
                "reference": self.model.fingerprint,
                "artifact": self.artifact(cell.recipe).fingerprint,
                "benchmark": cell.benchmark,
                "identity": benchmarks()[cell.benchmark].identity(self.evaluation),
                "device": self.device,
                "machine": {name: machine_parts.get(name) for name in ("cpu", "cores", "accelerators")},
                "dtype": self.evaluation.dtype,
                "versions": machine.versions(),
                "source": [source_digest(benchmarks()[cell.benchmark]), source_digest(PairedRounds)],
            }
        )

    def kept_rounds(self, cell: Cell) -> PairedRounds | None:
        """Return the paired rounds that were timed on this machine before, or None."""
        kept = self.store.read("rounds", self._rounds_key(cell))
        return PairedRounds.of(kept) if kept else None

    def keep_rounds(self, cell: Cell, rounds: PairedRounds) -> None:
        """Keep paired rounds for later runs on this machine."""
        self.store.write("rounds", self._rounds_key(cell), {**rounds.extra_info(), "created": datetime.now(UTC).isoformat(timespec="seconds")})

    def latency(self, cell: Cell, rounds: PairedRounds) -> Check:
        """Is the candidate no slower than the reference, beyond LATENCY_MARGIN?"""
        check = self._latency_check(cell, rounds.reference_seconds, rounds.candidate_seconds)
        if cell.family == "quantization" and self.device == "cpu":
            note = "timed on weights unpacked to dense ones, so this says nothing of a quantized kernel"
            check = check.model_copy(update={"reason": f"{check.reason} ({note})"})
        return check

    def latency_not_measured(self, cell: Cell) -> Check:
        """The check of a timing that pytest-benchmark refused to take, as it does under xdist."""
        command = f"pytest {{}} --unicomp-model={self.plan.model} --unicomp-recipe={cell.recipe} --unicomp-benchmark={cell.benchmark}".format("suites/efficiency")
        check = self._latency_check(cell, [], [])
        return check.model_copy(
            update={"verdict": "inconclusive", "reason": f"not timed: pytest-benchmark is switched off here (as under xdist); run alone: {command}"}
        )

    def _latency_check(self, cell: Cell, reference: Sequence[float], candidate: Sequence[float]) -> Check:
        benchmark = benchmarks()[cell.benchmark]
        return compare.ratio(
            reference,
            candidate,
            **self._identity(cell),
            benchmark=cell.benchmark,
            dimension=benchmark.dimension,
            capability=benchmark.capability,
            metric=benchmark.metric,
            margin=LATENCY_MARGIN,
            policy=self.policy,
        )

    # The answer

    def place(self, check: Check) -> tuple[int, int, str]:
        """Return where a check stands in the report: by candidate, then benchmark, then question, whatever order it was made in."""
        recipes = [candidate.name for candidate in self.plan.candidates]
        names = ["artifact", *self.plan.benchmarks]
        return recipes.index(check.recipe), names.index(check.benchmark), check.question

    def outstanding(self) -> int:
        """Count the steps that a run with an empty store would take for what is promised."""
        recipes = {cell.recipe for cell in self._promised}
        items = {(cell.recipe, cell.benchmark) for cell in self._promised if cell.kind == "items"}
        timings = sum(cell.kind == "latency" for cell in self._promised)
        return len(recipes) + len(items) + len({name for _, name in items}) + timings

    def conclude(self, checks: Sequence[Check]) -> Report:
        """Turn the checks that were made into the report: recipes, the run's verdict and its exit code."""
        recipes = [self._recipe_verdict(candidate, checks) for candidate in self.plan.candidates]
        recipes = [recipe for recipe in recipes if recipe is not None]
        verdict, exit_code, reason = compare.run_verdict(recipes, self.policy)
        return Report(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            verdict=verdict,
            exit_code=exit_code,
            reason=reason,
            environment=machine.describe(),
            policy=self._policy_record(),
            reference=self._reference_summary(),
            recipes=recipes,
            checks=list(checks),
        )

    def _recipe_verdict(self, candidate: Candidate, checks: Sequence[Check]) -> RecipeVerdict | None:
        own = [check for check in checks if check.recipe == candidate.name]
        if not own:
            return None
        verdict, reason, capabilities = compare.recipe_verdict(own, policy=self.policy)
        try:
            artifact = self.artifact(candidate.name)
        except UnicompError:
            artifact = None
        return RecipeVerdict(
            recipe=candidate.name,
            family=candidate.family,
            gates=candidate.gates,
            settings=artifact.settings if artifact else {},
            calibration=artifact.calibration if artifact else None,
            verdict=verdict,
            reason=reason,
            capabilities=capabilities,
            artifact=artifact,
        )

    def _reference_summary(self) -> ReferenceSummary | None:
        try:
            model = self.model
        except UnicompError:
            return None
        return ReferenceSummary(model=model.name, fingerprint=model.fingerprint, parameters=model.parameters, bytes=model.bytes)

    def _policy_record(self) -> dict[str, Any]:
        settings = self.settings
        names = ("profile", "limit", "seed", "calibration", "margin", "benchmark_margin", "drift_margin", "alpha", "inconclusive", "reference")
        return {**{name: getattr(settings, name) for name in names}, "confidence": self.policy.confidence, "benchmarks": list(self.plan.benchmarks)}


def threads_for(workers: int) -> int:
    """Return how many threads each of several worker processes should use."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))
