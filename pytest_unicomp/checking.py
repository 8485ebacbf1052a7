"""From what was measured to checks, by one policy: a run asks here, and so does whoever recomputes a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_unicomp import compare, early, limits, soundness
from pytest_unicomp.artifact_checks import Finding
from pytest_unicomp.baselines import condense
from pytest_unicomp.compare import hashes
from pytest_unicomp.plan import Cell
from pytest_unicomp.records import Artifact, Check, KernelReport, Measurement
from pytest_unicomp.registry import benchmarks
from pytest_unicomp.timing import PairedRounds

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
        check, measured = early.EarlyStopping(reference, part, self.policy, margin).decide(cell)
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
        chosen, unmet = compare.wanted(candidate.items, patterns)
        scores = [[item.id, item.prompt_digest, item.score] for item in chosen]
        return _with(check, hashes.of_values("must_pass", cell.benchmark, scores, unmet))

    def size(self, cell: Cell, reference: Measurement, candidate: Measurement) -> Check:
        """Is the artifact no larger than the reference, beyond its limit?"""
        margin = self._limit(cell.benchmark, MEMORY_MARGIN if "memory" in cell.benchmark else None)
        check = compare.size(reference, candidate, **_identity(cell), policy=self.policy, margin=margin)
        return _with(check, hashes.of_values("efficiency", cell.benchmark, reference.value, candidate.value))

    def latency(self, cell: Cell, rounds: PairedRounds, *, identity: Sequence[str]) -> Check:
        """Is the candidate no slower than the reference, beyond its limit? `identity` says what was timed, since timings never repeat."""
        check = self._timed(cell, rounds.reference_seconds, rounds.candidate_seconds)
        before, after = rounds.kernels
        check = check.model_copy(update={"kernels": rounds.kernels, "reason": f"{check.reason}; {after} beside {before}"})
        problem = rounds.health.problem if rounds.health else None
        if problem is not None:
            check = check.model_copy(update={"verdict": "inconclusive", "reason": f"the host was not healthy: {problem}; {check.reason}"})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, *identity, *rounds.kernels))

    def kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport, *, identity: Sequence[str]) -> tuple[Check, KernelReport]:
        """Are the linear layers of one written token no slower on a kernel than dense? With the table, which says how the host was."""
        check = self.latency(cell, rounds, identity=identity)
        best = max(report.layers, key=lambda layer: layer.share)
        where = f"{best.outputs} x {best.inputs}, {best.rows} tokens"
        reason = f"{check.reason}; at best {100 * best.share:.0f} % of the {best.bound} ceiling ({where})"
        unhealthy = rounds.health.problem if rounds.health else None
        return check.model_copy(update={"reason": reason}), report.model_copy(update={"unhealthy": unhealthy})

    def not_timed(self, cell: Cell, reason: str) -> Check:
        """The check of a timing that could not be taken here; there is no evidence that a waiver could name."""
        return self._timed(cell, [], []).model_copy(update={"verdict": "inconclusive", "reason": reason})

    def soundness(self, cell: Cell, artifact: Artifact, findings: Sequence[Finding]) -> Check:
        """Is the artifact a checkpoint that can be shipped, and what its recipe says?"""
        check = soundness.check(artifact, findings, **_identity(cell), confidence=self.policy.confidence)
        failed = sorted([finding.check, str(finding.found)] for finding in findings if finding.status == "fail")
        return _with(check, hashes.of_values("artifact", artifact.fingerprint, failed))

    def _timed(self, cell: Cell, reference: Sequence[float], candidate: Sequence[float]) -> Check:
        benchmark = benchmarks()[cell.benchmark]
        tokens = benchmark.tokens if getattr(benchmark, "per_token", False) else 1  # type: ignore[attr-defined]
        return compare.ratio(
            [seconds / tokens for seconds in reference],
            [seconds / tokens for seconds in candidate],
            **_identity(cell),
            benchmark=cell.benchmark,
            dimension=benchmark.dimension,
            capability=benchmark.capability,
            metric=benchmark.metric,
            margin=self._limit(cell.benchmark, LATENCY_MARGIN),
            policy=self.policy,
        )

    def _limit(self, benchmark: str, default: float | None) -> Any:
        """Return the margin that a limit on the ratio means: 0.35 times the reference is a margin of -0.65."""
        given = self.limits.get(benchmark)
        return default if given is None else limits.limit(benchmark, given) - 1


def _with(check: Check, evidence: str) -> Check:
    """Add the evidence that a waiver may name, where there is something to excuse."""
    return check.model_copy(update={"evidence": evidence}) if check.verdict not in ("error", "not_comparable") else check
