"""From what was measured to checks, by one policy: a run asks here, and so does whoever recomputes a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_unicomp import compare
from pytest_unicomp.api.protocols import CostBenchmark, LatencyBenchmark, SizeBenchmark
from pytest_unicomp.api.records import Artifact, Check, Estimate, KernelReport, Measurement
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints import artifact_check as soundness
from pytest_unicomp.checkpoints.checks import Finding
from pytest_unicomp.compare import hashes, stats
from pytest_unicomp.config import cost_limits
from pytest_unicomp.config.cost_limits import Limit
from pytest_unicomp.engine.host import health
from pytest_unicomp.engine.host.paired_timing import ROUNDS, PairedRounds
from pytest_unicomp.run import early_stopping
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.store.baselines import condense

LATENCY_MARGIN = 0.25
# Resident memory holds what allocators keep for themselves.
MEMORY_MARGIN = 0.25


def _identity(cell: Cell) -> dict[str, Any]:
    return {"recipe": cell.recipe, "family": cell.family, "gates": cell.gates}


@dataclass(frozen=True)
class Checking:
    """The policy, the largest ratios of cost by benchmark, and the items by benchmark that must be right."""

    policy: compare.Policy
    limits: Mapping[str, Any] = field(default_factory=dict)
    must_pass_items: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def retention(self, cell: Cell, reference: Measurement, candidate: Measurement) -> Check:
        """Is what the reference could do kept? Paired per item (design: section 6)."""
        identical = candidate.artifact == reference.artifact
        check = compare.retention(reference, candidate, **_identity(cell), policy=self.policy, identical=identical)
        return _with(check, hashes.of_items("retention", reference, candidate))

    def sequential(
        self, cell: Cell, reference: Measurement, part: Callable[[str, str, frozenset[str]], Measurement]
    ) -> tuple[Check, Measurement]:
        """The same, asking for one part of the items after another and stopping when it is certain; returns what was measured too."""
        margin = self.policy.of(recipe=cell.recipe, capability=cell.capability).capability
        check, measured = early_stopping.EarlyStopping(reference, part, self.policy, margin).decide(cell)
        return _with(check, hashes.of_items("retention", reference, measured)), measured

    def drift(self, cell: Cell, baseline: Measurement, current: Measurement) -> Check:
        """Is it what it was last time? `current` is condensed as the baseline is."""
        current = condense(current)
        check = compare.drift(baseline, current, **_identity(cell), policy=self.policy)
        return _with(check, hashes.of_items("drift", baseline, current))

    def must_pass(self, cell: Cell, reference: Measurement, candidate: Measurement) -> Check:
        """Are the items right that must be right?"""
        patterns = self.must_pass_items[cell.benchmark]
        check = compare.must_pass(reference, candidate, patterns, **_identity(cell), policy=self.policy)
        chosen, unmet = compare.must_pass_items(candidate.items, patterns)
        scores = [[item.id, item.prompt_digest, item.score] for item in chosen]
        return _with(check, hashes.of_values("must_pass", cell.benchmark, scores, unmet))

    def size(self, cell: Cell, reference: Measurement, candidate: Measurement) -> Check:
        """Is the artifact no larger than the reference, beyond its limits?"""
        # What a process took once is no constant of the model, and once tells nothing of its spread.
        benchmark = benchmarks()[cell.benchmark]
        noisy = isinstance(benchmark, SizeBenchmark) and benchmark.measured_once
        ratio = compare.sizes(reference, candidate, recipe=cell.recipe, confidence=self.policy.confidence, repeatable=not noisy)
        margin = self._margin(cell.benchmark, MEMORY_MARGIN if noisy else self.policy.benchmark.excess)
        check = compare.cost(
            ratio,
            **_identity(cell),
            benchmark=candidate.benchmark,
            dimension=candidate.dimension,
            capability=candidate.capability,
            margin=margin,
        )
        check = compare.by_limits(check, ratio.after, self._limits(cell.benchmark), ratio=ratio, repeatable=not noisy)
        names = dict.fromkeys((*reference.details, *candidate.details))
        beside = {name: (reference.details.get(name), candidate.details.get(name)) for name in names}
        check = check.model_copy(update={"details": beside})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, reference.value, candidate.value))

    def cost(self, cell: Cell, candidate: Measurement) -> Check:
        """Did making the artifact cost no more than its limit? Without one the number informs; what nobody recorded is no pass."""
        known = [] if candidate.value is None else [candidate.value]
        benchmark = benchmarks()[cell.benchmark]
        unknown = benchmark.unknown if isinstance(benchmark, CostBenchmark) else "no record"
        check = Check(
            **_identity(cell),
            benchmark=cell.benchmark,
            dimension=candidate.dimension,
            capability=candidate.capability,
            question="efficiency",
            metric=candidate.metric,
            higher_is_better=False,
            n=len(known),
            candidate=Estimate(value=candidate.value),
            confidence=self.policy.confidence,
            margin=None,
            verdict="pass" if known else "inconclusive",
            reason=f"{candidate.value:.6g} {candidate.metric}, one run; no limit is set" if known else f"not measured: {unknown}",
        )
        check = compare.by_limits(check, known, self._limits(cell.benchmark)) if known else check
        return _with(check, hashes.of_values("efficiency", cell.benchmark, candidate.value))

    def limited(self, benchmark: str) -> bool:
        """Say whether a limit is set on a benchmark."""
        return benchmark in self.limits

    def latency(self, cell: Cell, rounds: PairedRounds, *, identity: Sequence[str]) -> Check:
        """Is the candidate no slower than the reference, beyond its limit? `identity` says what was timed, since timings never repeat."""
        ratio = self._timed(cell, rounds.reference_seconds, rounds.candidate_seconds)
        benchmark = benchmarks()[cell.benchmark]
        written = benchmark.written_tokens if isinstance(benchmark, LatencyBenchmark) else 1
        check = compare.by_limits(self._of_ratio(cell, ratio), ratio.after, self._limits(cell.benchmark), written=written, ratio=ratio)
        before, after = rounds.kernels
        told = {"kernels": rounds.kernels, "health": rounds.health, "reason": f"{check.reason}; {after} beside {before}"}
        check = check.model_copy(update=told)
        problem = health.timing_problem(rounds.health) if rounds.health else None
        if problem is not None:
            check = check.model_copy(update={"verdict": "inconclusive", "reason": f"the host was not healthy: {problem}; {check.reason}"})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, *identity, *rounds.kernels))

    def kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport, *, identity: Sequence[str]) -> tuple[Check, KernelReport]:
        """Are the linear layers of one written token no slower on a kernel than dense? With the table, which says how the host was."""
        check = self.latency(cell, rounds, identity=identity)
        best = max(report.layers, key=lambda layer: layer.share)
        where = f"{best.outputs} x {best.inputs}, {best.rows} tokens"
        reason = f"{check.reason}; at best {100 * best.share:.0f} % of the {best.bound} ceiling ({where})"
        unhealthy = health.timing_problem(rounds.health) if rounds.health else None
        return check.model_copy(update={"reason": reason}), report.model_copy(update={"unhealthy": unhealthy})

    def not_timed(self, cell: Cell, reason: str) -> Check:
        """The check of a timing that could not be taken here; there is no evidence that a waiver could name."""
        return self._of_ratio(cell, self._timed(cell, [], [])).model_copy(update={"verdict": "inconclusive", "reason": reason})

    def soundness(self, cell: Cell, artifact: Artifact, findings: Sequence[Finding]) -> Check:
        """Is the artifact a checkpoint that can be shipped, and what its recipe says?"""
        check = soundness.check(artifact, findings, **_identity(cell), confidence=self.policy.confidence)
        failed = sorted([finding.check, str(finding.found)] for finding in findings if finding.status == "fail")
        return _with(check, hashes.of_values("artifact", artifact.fingerprint, failed))

    def _timed(self, cell: Cell, reference: Sequence[float], candidate: Sequence[float]) -> compare.Ratio:
        tokens = _counted_tokens(cell.benchmark)
        return compare.Ratio.of(
            [seconds / tokens for seconds in reference],
            [seconds / tokens for seconds in candidate],
            metric=benchmarks()[cell.benchmark].metric,
            confidence=self.policy.confidence,
        )

    def _of_ratio(self, cell: Cell, ratio: compare.Ratio) -> Check:
        benchmark = benchmarks()[cell.benchmark]
        return compare.cost(
            ratio,
            **_identity(cell),
            benchmark=cell.benchmark,
            dimension=benchmark.dimension,
            capability=benchmark.capability,
            margin=self._margin(cell.benchmark, LATENCY_MARGIN),
        )

    def rounds(self, cell: Cell) -> int:
        """Return how many rounds a timing needs: more where a limit is on a percentile, which few rounds cannot prove."""
        wanted = [limit.percentile / 100 for limit in self._limits(cell.benchmark) if limit.percentile is not None]
        return max([ROUNDS, *(stats.rounds_for(quantile, confidence=self.policy.confidence) for quantile in wanted)])

    def _limits(self, benchmark: str) -> list[Limit]:
        return cost_limits.read(benchmark, self.limits[benchmark]) if benchmark in self.limits else []

    def _margin(self, benchmark: str, default: float) -> float:
        """Return the margin that a limit on the ratio means: 0.35 times the reference is a margin of -0.65; the tightest where there are several."""
        ratios = [limit.ratio for limit in self._limits(benchmark) if limit.ratio is not None]
        return min(ratios) - 1 if ratios else default


def _counted_tokens(name: str) -> int:
    """Return by how many tokens the seconds of a benchmark are divided: 1 where it counts whole rounds."""
    benchmark = benchmarks()[name]
    return benchmark.counted_tokens if isinstance(benchmark, LatencyBenchmark) else 1


def _with(check: Check, evidence: str) -> Check:
    """Add the evidence that a waiver may name, where there is something to excuse."""
    return check.model_copy(update={"evidence": evidence}) if check.verdict not in ("error", "not_comparable") else check
