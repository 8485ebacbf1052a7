"""The whole of one run: knows every stage, and nothing of pytest; results are promised, made at most once, and kept in the store."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.api.protocols import CostBenchmark, KernelBenchmark, Progress
from pytest_unicomp.api.records import (
    Artifact,
    CapabilityVerdict,
    Check,
    Claim,
    KernelReport,
    Measurement,
    Origin,
    Question,
    RecipeVerdict,
    ReferenceSummary,
    Report,
    Source,
)
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.calibration import mixture
from pytest_unicomp.checkpoints import artifact_check as soundness
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.config import cost_limits
from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import host
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.engine.serving import build as served_models
from pytest_unicomp.judges import build as judges
from pytest_unicomp.report import scores
from pytest_unicomp.run import compress, early_stopping, policy_check, worker
from pytest_unicomp.run import conclude as conclusion
from pytest_unicomp.run.checks import Checking
from pytest_unicomp.run.executors import build as executors
from pytest_unicomp.run.plan import REFERENCE, Candidate, Cell, Plan, plan
from pytest_unicomp.run.provenance import Provenance
from pytest_unicomp.run.results import Results, guarded
from pytest_unicomp.run.step import StepProgress
from pytest_unicomp.run.timings import Trials
from pytest_unicomp.run.waive import Waiving, with_waivers
from pytest_unicomp.store import baselines as stored
from pytest_unicomp.store.local import Store, digest
from pytest_unicomp.store.shared import opened

# What a job on a cluster asks for: room for the libraries, and for the model beside its compressed form and what compressing needs.
MEMORY_PER_JOB = 2**30
WEIGHTS_PER_JOB = 3


def silent(step: object) -> None:
    """Report progress to nobody."""


class Run:
    """One model, its candidates, its benchmarks; usable without pytest: `Run(settings).retention(cell)`."""

    def __init__(self, settings: Settings, *, progress: StepProgress = silent, detail: Progress = silent) -> None:
        """Check the settings against what is there; raise UsageProblem for the first thing that is wrong. Starts nothing.

        `progress` is called with the Step of every artifact, measurement and timing that is made, `detail` with a line on what happens inside one.
        """
        if settings.bundle is not None and (settings.bundle / "hub").is_dir():
            # A folder that keeps its hub beside other sources, TrustLLM's own layout among them.
            settings = replace(settings, bundle=settings.bundle / "hub")
        self.settings = settings
        self._progress = progress
        executors.validate(settings)
        served_models.validate(settings)
        early_stopping.validate(settings)
        judges.validate(settings.judge, settings.bundle)
        missing = host.unavailable_reason(settings.device) if settings.executor != "ray" else None
        if missing is not None:
            raise UsageProblem(f"unicomp: --unicomp-device={settings.device} is not here: {missing}; expected a device that is, or auto.")
        self.policy = compare.Policy(
            alpha=settings.alpha,
            capability_margin=settings.margin,
            benchmark_margin=settings.benchmark_margin,
            drift_margin=settings.drift_margin,
            inconclusive="warn" if settings.inconclusive == "warn" else "fail",
            margins=settings.margins,
        )
        self.checking = Checking(self.policy, settings.limits, settings.must_pass)
        # One day for the whole run, however long it takes.
        self._waiving = Waiving(settings.waivers, datetime.now(UTC).date(), self.policy, self._siblings)
        self.store = opened(settings.cache)
        # The part on this machine; whether a shared part answers is asked when work begins.
        Store.require_writable(self.store)
        self.baselines = stored.Baselines(settings.baselines or Path("baselines"), stored.packaged())
        self.evaluation = evaluation_of(settings)
        if settings.bundle is not None and not settings.bundle.is_dir():
            raise UsageProblem(
                f"unicomp: --unicomp-bundle {settings.bundle} is not a folder; expected one in hub layout (<org>/<name>/...)."
            )
        files = [name for name in settings.candidate if not served(name)]
        for name in (settings.model, *files):
            if name is not None:
                hub.validate(name, settings.bundle)
        for name in files:
            compress.require_convertible(name, settings.bundle)
        self.plan: Plan = plan(settings, self.evaluation)
        if any(candidate.method is not None and candidate.method.calibrated for candidate in self.plan.candidates):
            for named in filter(None, (settings.calibration, settings.calibration_target)):
                mixture.validate(named, settings.bundle, self.plan.model)
        policy_check.validate(settings, self.plan)
        cost_limits.validate(settings.limits, self._limitable(), locate=settings.location)
        self._check_kernels()
        self._check_supported()
        self._check_stored_reference()
        self.results = Results(
            settings, self.plan, self.evaluation, store=self.store, baselines=self.baselines, progress=progress, detail=detail
        )
        self.trials = Trials(self.results, settings, self.evaluation, store=self.store, progress=progress)
        self._retention: dict[Cell, Check] = {}
        self._stopped: dict[Cell, Measurement] = {}
        self._parts: dict[Cell, list[Source]] = {}
        self._scores: dict[tuple[str, tuple[str, ...]], dict[str, scores.Score]] = {}

    def _check_supported(self) -> None:
        # A model that has yet to be fetched is asked again when it is there.
        folder = hub.local(self.plan.model, self.settings.bundle)
        for candidate in self.plan.candidates:
            if folder is not None and candidate.method is not None:
                compress.require_supported(folder, self.plan.model, candidate.name, candidate.method)
                if changed := compress.changed_settings(folder, candidate.method):
                    note = f"{candidate.name}: {', '.join(changed)}, because of this model's widths"
                    self.plan = replace(self.plan, notes=(*self.plan.notes, note))

    def _limitable(self) -> dict[str, tuple[str, str]]:
        """Return kind and metric of each benchmark of a recipe that may have a limit; kind "cost" where the reference has no such number."""
        entries = {name: benchmarks()[name] for name in self.plan.benchmarks if benchmarks()[name].kind in ("size", "latency")}
        return {name: ("cost" if isinstance(entry, CostBenchmark) else entry.kind, entry.metric) for name, entry in entries.items()}

    def _check_kernels(self) -> None:
        # Asked for by name, not as part of a set: then it is wanted here, where it cannot be had.
        for cell in self.plan.kernels():
            device = host.resolve_device(self.settings.device)
            why = (
                cast("KernelBenchmark", benchmarks()[cell.benchmark]).missing(device) if cell.benchmark in self.settings.benchmark else None
            )
            if why is not None:
                raise UsageProblem(
                    f"unicomp: --unicomp-benchmark={cell.benchmark} asks for a kernel that {host.device_name(device)} lacks: {why}; "
                    "leave it out, or name another device: --unicomp-device=cuda:N."
                )

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
        """Say which cells will be asked for; an executor that works elsewhere begins. Raises where a shared store does not answer."""
        self.store.require_writable()
        self.results.promise(cells)
        for candidate in self.plan.candidates:
            # The user's own text must not give questions away: that is theirs to put right, before anything runs.
            named = candidate.calibration or self.settings.calibration
            if candidate.method is not None and candidate.method.calibrated and ".jsonl" in named and self.results.promised:
                self.results.calibration(named).identity()
        if self.settings.executor != "local" and self.results.promised:
            model = self.results.model
            self.results.hand_over(
                executors.build(
                    self.settings,
                    perform=worker.perform,
                    store=self.store,
                    progress=self._progress,
                    memory=MEMORY_PER_JOB + WEIGHTS_PER_JOB * model.bytes,
                )
            )

    def close(self) -> None:
        """Stop whatever still works at promised jobs; what is in the store stays."""
        self.trials.close()
        self.results.close()

    def artifact(self, recipe: str) -> Artifact:
        """Return the artifact of a recipe, made at most once; raise UnicompError where it cannot be made."""
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

    def _identity(self, cell: Cell) -> dict[str, Any]:
        return {"recipe": cell.recipe, "family": cell.family, "gates": cell.gates}

    def retention(self, cell: Cell) -> Check:
        """Is what the reference could do kept? Paired per item (design: section 6)."""
        return self._waiving.excused(self._retained(cell))

    def _retained(self, cell: Cell) -> Check:
        if cell not in self._retention:
            reference = self.reference(cell.benchmark)
            if self._stops_early(cell):
                check, self._stopped[cell] = self.checking.sequential(cell, reference, self._part(cell))
            else:
                check = self.checking.retention(cell, reference, self.measurement(cell.recipe, cell.benchmark))
            sources = [self._source(cell), *self._measured_sources(cell)]
            earlier = self.baselines.read(self.plan.model, "dense", cell.benchmark)
            if earlier is not None:
                check = compare.with_floor(check, earlier, reference)
                if check.flips is not None and check.flips.floor is not None:
                    # A copy: the file may be rewritten, and the check must stay provable.
                    sources.append(self.results.kept("earlier", earlier))
            self._retention[cell] = check.model_copy(update={"sources": sources})
        return self._retention[cell]

    def _part(self, cell: Cell) -> Callable[[str, str, frozenset[str]], Measurement]:
        """Return what measures a part of a cell's items, and remembers which."""

        def part(recipe: str, benchmark: str, items: frozenset[str]) -> Measurement:
            made = self.results.part(recipe, benchmark, items)
            self._parts.setdefault(cell, []).append(self.results.source(recipe, benchmark, made, items))
            return made

        return part

    def _source(self, cell: Cell) -> Source:
        return self.results.source(REFERENCE, cell.benchmark, self.reference(cell.benchmark))

    def _measured_sources(self, cell: Cell) -> list[Source]:
        """Name what was measured of a cell: the whole, or the parts that its verdict took."""
        if cell in self._parts:
            return self._parts[cell]
        return [self.results.source(cell.recipe, cell.benchmark, self.measurement(cell.recipe, cell.benchmark))]

    def _settled(self, check: Check, *sources: Source) -> Check:
        """Return the check with what it rests on, and with the waiver that excuses it."""
        return self._waiving.excused(check.model_copy(update={"sources": list(sources)}))

    def _siblings(self, recipe: str, capability: str) -> list[Check]:
        """Return the retention checks that make up a capability, before any waiver."""
        return [self._retained(cell) for cell in self.cells(recipe, capability) if cell.kind == "items"]

    def _stops_early(self, cell: Cell) -> bool:
        """Say whether a cell is measured in parts: not where a baseline would have to be written from it."""
        return (
            self.settings.sequential
            and early_stopping.stoppable(cell, self.plan)
            and (not self.wants_drift(cell) or self.baselines.find(self.plan.model, cell.recipe, cell.benchmark) is not None)
        )

    def _measured(self, cell: Cell) -> Measurement:
        """Return what was measured of a cell: all items, or those that its verdict took."""
        if self._stops_early(cell):
            self.retention(cell)
            return self._stopped[cell]
        return self.measurement(cell.recipe, cell.benchmark)

    def not_recorded(self, cell: Cell) -> str | None:
        """Say why a cost of making the artifact is not known and nobody asked for a limit on it, or None where there is something to check."""
        benchmark = benchmarks()[cell.benchmark]
        if not isinstance(benchmark, CostBenchmark) or self.checking.limited(cell.benchmark):
            return None
        if self.plan.candidate(cell.recipe).is_reference:
            return "nothing was compressed"
        return None if self.measurement(cell.recipe, cell.benchmark).value is not None else f"not measured: {benchmark.unknown}"

    def size(self, cell: Cell) -> Check:
        """Is the artifact no larger than the reference, and did making it cost no more than its limit?"""
        candidate = self.measurement(cell.recipe, cell.benchmark)
        if isinstance(benchmarks()[cell.benchmark], CostBenchmark):
            return self._settled(self.checking.cost(cell, candidate), self.results.kept("candidate", candidate))
        reference = self.reference(cell.benchmark)
        sources = (self.results.kept("reference", reference), self.results.kept("candidate", candidate))
        return self._settled(self.checking.size(cell, reference, candidate), *sources)

    def must_pass(self, cell: Cell) -> Check:
        """Are the items right that must be right? Where the verdict took a part of the items only, the others that are needed are measured."""
        reference, measured = self.reference(cell.benchmark), self._measured(cell)
        sources = self._measured_sources(cell)
        if self._stops_early(cell):
            chosen, _ = compare.must_pass_items(reference.items, self.settings.must_pass[cell.benchmark])
            missing = {item.id for item in chosen} - {item.id for item in measured.items}
            if missing:
                rest = self.results.part(cell.recipe, cell.benchmark, frozenset(missing))
                sources = [*sources, self.results.source(cell.recipe, cell.benchmark, rest, frozenset(missing))]
                measured = measured.model_copy(update={"items": [*measured.items, *rest.items]})
        return self._settled(self.checking.must_pass(cell, reference, measured), self._source(cell), *sources)

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
        current = self._measured(cell)
        baseline, measured = self.baseline(cell), self._measured_sources(cell)
        update = self.settings.update
        if baseline is None:
            refusal = compare.baseline_refusal(current, self.policy)
            path = None if refusal is not None else str(self.baselines.write(self.plan.model, cell.recipe, current))
            missing = compare.missing_baseline(
                stored.condense(current), **self._identity(cell), policy=self.policy, written=path, refusal=refusal
            )
            return self._settled(missing, *measured)
        # A copy: the file may be rewritten, and the check must stay provable.
        sources = (self.results.kept("reference", baseline), *measured)
        check = self.checking.drift(cell, baseline, current)
        if update == "all" or (update == "changed" and not stored.same_evidence(baseline, stored.condense(current))):
            self.baselines.write(self.plan.model, cell.recipe, current)
            return self._settled(compare.accepted(check), *sources)
        return self._settled(check, *sources)

    def unused_baselines(self) -> list[Path]:
        """Return the baseline files of this model, in the folder that is written, which no recipe or benchmark of the plan would read."""
        used = {self.baselines.path(self.plan.model, cell.recipe, cell.benchmark) for cell in self.plan.cells}
        used |= {self.baselines.path(self.plan.model, "dense", name) for name in self.plan.benchmarks}
        return [path for path in self.baselines.files(self.plan.model) if path not in used]

    def calibration_gain(self, cell: Cell) -> Check:
        """What does the target's calibration text gain over the run's, on the items of one benchmark?"""
        base = self.plan.candidate(cell.recipe).instead_of
        if base is None:
            raise UsageProblem(
                f"unicomp: {cell.recipe} was not made for --unicomp-calibration-target; expected a name such as wanda-50@reasoning."
            )
        before, after = (self.measurement(name, cell.benchmark) for name in (base, cell.recipe))
        check = compare.calibration_gain(before, after, recipe=cell.recipe, family=cell.family, policy=self.policy)
        sources = (self.results.source(name, cell.benchmark, made) for name, made in ((base, before), (cell.recipe, after)))
        return self._settled(check, *sources)

    def soundness(self, cell: Cell) -> Check:
        """Is the artifact a checkpoint that can be shipped, and what its recipe says? Its weights are read once per content."""
        artifact, reference = self.artifact(cell.recipe), self.artifact(REFERENCE)
        key = digest(soundness.identity(artifact, reference))
        kept = self.store.read("soundness", key)
        if kept is None:
            found = guarded(lambda: soundness.findings(artifact, reference), f"reading the artifact of {cell.recipe}")
            kept = {"findings": [finding.model_dump(mode="json") for finding in found]}
            self.store.write("soundness", key, kept)
        findings = [Finding.model_validate(finding) for finding in kept["findings"]]
        # Under its content too: the key above follows from times of files, which another store has otherwise.
        found_digest = digest(kept)
        self.store.write("findings", found_digest, kept)
        source = Source(side="both", kind="findings", key=found_digest, digest=found_digest)
        return self._settled(self.checking.soundness(cell, artifact, findings), source)

    def capability(self, recipe: str, capability: str) -> CapabilityVerdict:
        """Pool the retention of one capability over the recipe's benchmarks."""
        checks = [self.retention(cell) for cell in self.cells(recipe, capability) if cell.kind == "items"]
        return compare.pool(checks, policy=self.policy)

    def confirmed(self, check: Check) -> bool:
        """Say whether a benchmark's FAIL stands after Holm over the recipe's benchmarks that this run measures (or plans, where none is promised)."""
        asked = self.results.promised or self.plan.cells
        others = [self.retention(cell) for cell in self.cells(check.recipe) if cell.kind == "items" and cell in asked]
        return compare.survives_holm(check, others, self.policy.alpha)

    def broken(self, cell: Cell, question: Question, error: BaseException) -> Check:
        """The check of a cell that could not be made or measured: an error, never a regression and never a pass."""
        benchmark = benchmarks().entries.get(cell.benchmark)
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

    def latency(self, cell: Cell, rounds: PairedRounds) -> Check:
        """Is the candidate no slower than the reference, beyond LATENCY_MARGIN?"""
        identity = (self.results.model.fingerprint, self.artifact(cell.recipe).fingerprint)
        return self._settled(self.checking.latency(cell, rounds, identity=identity), self.trials.source(rounds))

    def not_timed(self, cell: Cell) -> Check:
        """The check of a timing that pytest-benchmark refused to take, as it does under xdist."""
        recipe = "" if cell.recipe == REFERENCE else f" --recipe {cell.recipe}"
        command = f"unicomp gate {self.plan.model}{recipe} --benchmark {cell.benchmark}"
        return self.checking.not_timed(cell, f"not timed: pytest-benchmark is switched off here (as under xdist); run alone: {command}")

    def kernel_missing(self, cell: Cell) -> Check | None:
        """The check of a kernel that this device lacks, or None where it has it."""
        why = cast("KernelBenchmark", benchmarks()[cell.benchmark]).missing(self.results.device)
        return None if why is None else self.checking.not_timed(cell, f"no accelerated kernel here: {why}")

    def kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport) -> tuple[Check, KernelReport]:
        """Are the linear layers of one written token no slower on the kernel than dense? With the table of all shapes."""
        check, told = self.checking.kernel(cell, rounds, report, identity=(self.results.model.fingerprint,))
        return self._settled(check, self.trials.source(rounds, report)), told

    # The answer

    def place(self, check: Check) -> tuple[int, int, str]:
        """Return where a check stands in the report: by candidate, then benchmark, then question, whatever order it was made in."""
        # What is asked of the reference itself stands before what is asked of the recipes.
        recipes = [REFERENCE, *(candidate.name for candidate in self.plan.candidates)]
        names = ["artifact", *self.plan.benchmarks]
        return recipes.index(check.recipe), names.index(check.benchmark), check.question

    def conclude(self, checks: Sequence[Check], kernels: Sequence[KernelReport] = ()) -> Report:
        """Turn the checks that were made into the report: recipes, the run's verdict and its exit code; `kernels` are the tables of kernels."""
        judged = (self._recipe_verdict(candidate, checks) for candidate in self.plan.candidates)
        recipes = [recipe for recipe in judged if recipe is not None]
        recipes, quality = self._with_scores(recipes, checks)
        verdict, exit_code, reason = compare.run_verdict(recipes, self.policy)
        strict, _, _ = compare.run_verdict([found.model_copy(update={"verdict": found.without_waivers}) for found in recipes], self.policy)
        waived = self._waiving.states(checks)
        return Report(
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            verdict=verdict,
            without_waivers=strict,
            waivers=waived,
            exit_code=exit_code,
            reason=with_waivers(reason, waived, strict),
            environment=host.describe(),
            policy=conclusion.policy_record(
                self.settings,
                self.plan.benchmarks,
                [candidate.name for candidate in self.plan.candidates if candidate.gates],
                confidence=self.policy.confidence,
            ),
            reference=self._reference_summary(),
            recipes=recipes,
            checks=list(checks),
            calibration_gains=compare.calibration_gains(
                list(checks), before=self.settings.calibration, after=self.settings.calibration_target or "", policy=self.policy
            ),
            findings=self.findings(quality) if quality else [],
            pareto=scores.points(recipes, checks),
            cheapest=scores.cheapest(recipes),
            kernels=list(kernels),
            origins=self._origins(checks),
        )

    def _origins(self, checks: Sequence[Check]) -> list[Origin]:
        """Say where what retention was decided from comes from; where a run stops early no measurement is whole, and nothing is said."""
        provenance = Provenance()
        for check in () if self.settings.sequential else conclusion.paired(checks):
            provenance.note(REFERENCE, self.reference(check.benchmark))
            provenance.note(check.recipe, self.measurement(check.recipe, check.benchmark))
        return provenance.origins()

    def scores_of(self, recipe: str, benchmarks_measured: Iterable[str]) -> dict[str, scores.Score]:
        """Return the ten quality scores of a recipe from the measurements of the named benchmarks, which are read from the store."""
        benchmarks_measured = tuple(benchmarks_measured)
        if (recipe, benchmarks_measured) in self._scores:
            return self._scores[recipe, benchmarks_measured]
        pairs = {}
        for name in benchmarks_measured:
            reference, candidate = self.reference(name), self.measurement(recipe, name)
            if compare.mismatch(reference, candidate) is None:
                pairs[name] = (reference, candidate)
        found = scores.scores(pairs, self.evaluation.scoring, confidence=self.policy.confidence, seed=self.settings.seed)
        self._scores[recipe, benchmarks_measured] = found
        return found

    def claims(self) -> list[Claim]:
        """Return the paper's claims on what this run measures (or plans, where nothing is promised); a broken cell leaves its claims untested."""
        asked = self.results.promised or self.plan.cells
        quality: dict[str, Mapping[str, scores.Score]] = {}
        for candidate in self.plan.candidates:
            sound = []
            for cell in asked:
                if cell.recipe == candidate.name and cell.kind == "items" and cell.benchmark:
                    try:
                        self.reference(cell.benchmark), self.measurement(cell.recipe, cell.benchmark)
                        sound.append(cell.benchmark)
                    except UnicompError:
                        continue
            quality[candidate.name] = {} if self.settings.sequential else self.scores_of(candidate.name, sound)
        return self.findings(quality)

    def claimed(self) -> list[Claim]:
        """Return the same claims before anything is measured: what each is about."""
        return self.findings({candidate.name: {} for candidate in self.plan.candidates})

    def findings(self, quality: Mapping[str, Mapping[str, scores.Score]]) -> list[Claim]:
        """Say which of the paper's claims hold on what was run."""
        families = {candidate.name: candidate.family for candidate in self.plan.candidates}
        methods = {candidate.name: candidate.method.method for candidate in self.plan.candidates if candidate.method is not None}
        return scores.findings(quality, families, methods, confidence=self.policy.confidence)

    def _with_scores(
        self, recipes: Sequence[RecipeVerdict], checks: Sequence[Check]
    ) -> tuple[list[RecipeVerdict], dict[str, dict[str, scores.Score]]]:
        """Fill in the thirteen scores; where a run stops early its items differ from recipe to recipe, and it has no quality scores."""
        efficiency = scores.efficiency_scores(checks, {recipe.recipe: recipe.artifact for recipe in recipes})
        filled, quality = [], {}
        for recipe in recipes:
            measured = conclusion.scored([check for check in checks if check.recipe == recipe.recipe])
            own = {} if self.settings.sequential else self.scores_of(recipe.recipe, [check.benchmark for check in measured])
            quality[recipe.recipe] = own
            filled.append(conclusion.with_scores(recipe, own, efficiency[recipe.recipe], self.evaluation.scoring))
        return filled, quality

    def _recipe_verdict(self, candidate: Candidate, checks: Sequence[Check]) -> RecipeVerdict | None:
        own = [check for check in checks if check.recipe == candidate.name]
        if not own:
            return None
        try:
            artifact = self.artifact(candidate.name)
        except UnicompError:
            artifact = None
        return conclusion.recipe(own, artifact, policy=self.policy)

    def _reference_summary(self) -> ReferenceSummary | None:
        try:
            model = self.results.model
        except UnicompError:
            return None
        return ReferenceSummary(model=model.name, fingerprint=model.fingerprint, parameters=model.parameters, bytes=model.bytes)


def threads_for(workers: int) -> int:
    """Return how many threads each of several worker processes should use."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))
