"""Times a candidate in pairs with the reference, both as they would be served, and kernels in pairs with dense layers; kept in the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_unicomp.api.errors import guarded
from pytest_unicomp.api.protocols import Evaluation, KernelBenchmark, LatencyBenchmark
from pytest_unicomp.api.records import Artifact, KernelReport
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.api.source_digest import file_digest, source_digest
from pytest_unicomp.config.backend import SERVER
from pytest_unicomp.config.parsers import served
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.engine.host import health, host, launching, paired_timing
from pytest_unicomp.engine.host.launching import launch_problem
from pytest_unicomp.engine.host.paired_timing import PairedRounds, Round
from pytest_unicomp.run import evaluate
from pytest_unicomp.run.loaded_models import Subject
from pytest_unicomp.run.named_content import named_content
from pytest_unicomp.run.plan import REFERENCE, Cell
from pytest_unicomp.run.results import Results
from pytest_unicomp.run.step import Step, StepProgress
from pytest_unicomp.store.local import Store, digest

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine
    from pytest_unicomp.engine.runtimes import Runtime


class Timings:
    """Prepares paired rounds for the cells of one plan; the caller performs them (`pytest-benchmark`) and hands them back to be kept."""

    def __init__(self, results: Results, settings: Settings, evaluation: Evaluation, *, store: Store, progress: StepProgress) -> None:
        """Store the arguments; models are loaded on first request."""
        self._results, self._settings, self._evaluation = results, settings, evaluation
        self._store, self._progress = store, progress
        self._timed: dict[tuple[str, bool], tuple[Engine, Runtime]] = {}

    def close(self) -> None:
        """Release every model that was loaded to be timed."""
        for key in list(self._timed):
            self._timed.pop(key)[0].release()

    # A candidate beside the reference

    def rounds(self, cell: Cell) -> PairedRounds:
        """Return the paired rounds of a cell, ready to be timed, with both models loaded as for serving (the candidate on the kernels of its format)."""
        benchmark = cast("LatencyBenchmark", benchmarks()[cell.benchmark])
        artifacts = [self._results.subject(REFERENCE), self._results.subject(cell.recipe)]
        by = [self._results.evaluated_by(recipe) for recipe in (REFERENCE, cell.recipe)]
        self._results.wait_for_others()
        self._progress(Step("time", cell.recipe, cell.benchmark))
        if by[1].backend == SERVER or served(artifacts[1].path):
            return self._at_endpoints(benchmark, list(zip(artifacts, by, strict=True)))
        self._results.loaded.release()
        wanted = {artifact.path for artifact in artifacts}
        for key in [key for key in self._timed if key[0] not in wanted]:
            self._timed.pop(key)[0].release()
        reference, first = self._engine(artifacts[0])
        candidate, second = self._engine(artifacts[1])
        before, after, timed = benchmark.prepare(reference), benchmark.prepare(candidate), candidate
        names = (first.kernel, second.kernel)
        # On a GPU there is no room for a third model: the unpacked one is tried only if the kernel is no faster than the reference.
        if second.layers and (
            self._results.device == "cpu" or paired_timing.fastest_seconds(after) > paired_timing.fastest_seconds(before)
        ):
            # A weight-only kernel may lose to the unpacked weights if many tokens are processed at once; the faster one is timed.
            packed_seconds = paired_timing.fastest_seconds(after)
            if self._results.device != "cpu":
                del candidate, timed, after
                self._timed.pop((artifacts[1].path, False))[0].release()
            unpacked, _ = self._engine(artifacts[1], unpacked=True)
            plain = benchmark.prepare(unpacked)
            if paired_timing.fastest_seconds(plain) < packed_seconds:
                after, timed, names = plain, unpacked, (first.kernel, f"dense {unpacked.dtype}, unpacked: faster here than {second.kernel}")
            elif self._results.device != "cpu":
                del unpacked, plain
                self._timed.pop((artifacts[1].path, True))[0].release()
                timed = self._engine(artifacts[1])[0]
                after = benchmark.prepare(timed)
        shares = benchmark.launching_share(reference), benchmark.launching_share(timed)
        known = None if shares[0] is None or shares[1] is None else (shares[0], shares[1])
        return PairedRounds(before, after, names, device=self._results.device, launching=known)

    def _at_endpoints(self, benchmark: LatencyBenchmark, subjects: Sequence[Subject]) -> PairedRounds:
        """Return rounds of two servers that run at once: pairs need both, so each may have half of the device's memory."""
        self.close()
        engines = [self._results.loaded.server(subject, beside=subjects) for subject in subjects]
        before, after = (self._answering(subject, benchmark.prepare(engine)) for subject, engine in zip(subjects, engines, strict=True))
        names = [
            f"as served at {engine.endpoint.url}" if engine.session is None else f"as served by {by.origin}"
            for engine, (_, by) in zip(engines, subjects, strict=True)
        ]
        sessions = [engine.session for engine in engines if engine.session is not None]
        # The counters of this host say nothing of another machine, or of a server that was not started here.
        watched = len(sessions) == len(engines)
        return PairedRounds(before, after, (names[0], names[1]), sessions=sessions, watched=watched)

    def _answering(self, subject: Subject, round_: Round) -> Round:
        """Return a round that raises InfrastructureError with the first cause if the server that it is timed at fails."""

        def answered() -> float | None:
            with self._results.loaded.answering(subject):
                return round_()

        return answered

    def _engine(self, artifact: Artifact, *, unpacked: bool = False) -> tuple[Engine, Runtime]:
        """Load a model in the dtype of its checkpoint (unless --unicomp-dtype names another), with the kernels of its format or unpacked."""
        key = (artifact.path, unpacked)
        if key not in self._timed:
            from pytest_unicomp import engine
            from pytest_unicomp.engine import runtimes

            folder = Path(artifact.path)
            dtype = engine.stored_dtype(folder) if self._settings.dtype == "auto" else self._settings.dtype
            loaded = guarded(
                lambda: engine.load(folder, device=self._results.device, dtype=dtype, sharded=self._settings.device == "sharded"),
                f"loading {artifact.recipe}",
            )
            runtime = runtimes.Runtime("unpacked")
            if not unpacked:
                runtime = guarded(lambda: runtimes.accelerate(loaded, folder), f"the fast runtime of {artifact.recipe}")
            self._timed[key] = (loaded, runtime)
        return self._timed[key]

    def kept_rounds(self, cell: Cell, *, at_least: int = 2) -> PairedRounds | None:
        """Return the paired rounds that were timed on this machine before, or None if there are fewer than `at_least`."""
        kept = self._store.read("rounds", self._key(cell))
        return PairedRounds.from_document(kept) if kept and len(kept["candidate_seconds"]) >= at_least else None

    def keep_rounds(self, cell: Cell, rounds: PairedRounds) -> None:
        """Keep paired rounds for later runs on this machine, unless the host was not healthy: a later run may find it quieter."""
        if not _sound(rounds):
            return
        self._store.write("rounds", self._key(cell), {**rounds.extra_info(), "created": _now()})

    # A kernel beside dense layers

    def kernel(self, cell: Cell) -> Any:
        """Return the rounds of a format's kernel on the reference's layers (`benchmarks.efficiency.kernels.KernelRounds`), nothing timed yet."""
        benchmark = cast("KernelBenchmark", benchmarks()[cell.benchmark])
        self._results.wait_for_others()
        self._progress(Step("time", REFERENCE, cell.benchmark))
        self._results.loaded.release()
        self.close()
        return guarded(lambda: benchmark.prepare(Path(self._results.model.path), self._results.device), cell.benchmark)

    def kept_kernel(self, cell: Cell) -> tuple[PairedRounds, KernelReport] | None:
        """Return the stored timing of a kernel on this machine, or None."""
        kept = self._store.read("kernels", self._key(cell))
        return (PairedRounds.from_document(kept["rounds"]), KernelReport.model_validate(kept["report"])) if kept else None

    def keep_kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport) -> None:
        """Keep the table of a kernel for later runs on this machine, unless the host was not healthy."""
        if not _sound(rounds):
            return
        document = {"rounds": rounds.extra_info(), "report": report.model_dump(mode="json"), "created": _now()}
        self._store.write("kernels", self._key(cell), document)

    def _key(self, cell: Cell) -> str:
        here = host.describe()
        benchmark = benchmarks()[cell.benchmark]
        return digest(
            {
                "reference": self._results.subject(REFERENCE).fingerprint,
                "artifact": self._results.subject(cell.recipe).fingerprint,
                "backend": [[by.backend, by.serve] for by in map(self._results.evaluated_by, (REFERENCE, cell.recipe))],
                **({"named": named} if any(named := self._named(cell)) else {}),
                "benchmark": cell.benchmark,
                "identity": benchmark.identity(self._evaluation),
                "device": host.device_key(self._results.device, sharded=self._settings.device == "sharded"),
                "machine": {name: here.get(name) for name in ("cpu", "cores", "accelerators")},
                "dtype": self._evaluation.dtype,
                "alpha": self._settings.alpha if benchmark.kind == "kernel" else None,
                "versions": host.versions(),
                "source": [
                    source_digest(benchmark),
                    file_digest(paired_timing.__file__),
                    file_digest(health.__file__),
                    file_digest(launching.__file__),
                    evaluate.runtime_source(),
                ],
            }
        )

    def _named(self, cell: Cell) -> list[dict[str, str]]:
        names = (REFERENCE, cell.recipe)
        return [named_content(self._results.evaluated_by(name), self._results.subject(name), self._store.digests.of) for name in names]


def _sound(rounds: PairedRounds) -> bool:
    found = rounds.health
    return found is None or (health.timing_problem(found) is None and launch_problem(found.launching) is None)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
