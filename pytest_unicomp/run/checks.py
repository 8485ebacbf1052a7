"""From what was measured to checks, by one policy: a run asks here, and so does whoever recomputes a report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_unicomp import compare
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
        margin = self._margin(cell.benchmark, MEMORY_MARGIN if "memory" in cell.benchmark else None)
        check = compare.size(reference, candidate, **_identity(cell), policy=self.policy, margin=margin)
        check = self._by_limits(check, [] if candidate.value is None else [candidate.value])
        if "memory" in cell.benchmark:
            # What a process took once is no constant of the model, and once tells nothing of its spread.
            check = check.model_copy(
                update={"interval": None, "reason": check.reason.replace("(exact)", "(measured once, spread not known)")}
            )
        names = dict.fromkeys((*reference.details, *candidate.details))
        beside = {name: (reference.details.get(name), candidate.details.get(name)) for name in names}
        check = check.model_copy(update={"details": beside})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, reference.value, candidate.value))

    def cost(self, cell: Cell, candidate: Measurement) -> Check:
        """Did making the artifact cost no more than its limit? Without one the number informs; what nobody recorded is no pass."""
        known = [] if candidate.value is None else [candidate.value]
        unknown = getattr(benchmarks()[cell.benchmark], "unknown", "no record")
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
        check = self._by_limits(check, known) if known else check
        return _with(check, hashes.of_values("efficiency", cell.benchmark, candidate.value))

    def limited(self, benchmark: str) -> bool:
        """Say whether a limit is set on a benchmark."""
        return benchmark in self.limits

    def latency(self, cell: Cell, rounds: PairedRounds, *, identity: Sequence[str]) -> Check:
        """Is the candidate no slower than the reference, beyond its limit? `identity` says what was timed, since timings never repeat."""
        check = self._timed(cell, rounds.reference_seconds, rounds.candidate_seconds)
        check = self._by_limits(check, rounds.candidate_seconds)
        before, after = rounds.kernels
        told = {"kernels": rounds.kernels, "health": rounds.health, "reason": f"{check.reason}; {after} beside {before}"}
        check = check.model_copy(update=told)
        problem = health.problem(rounds.health) if rounds.health else None
        if problem is not None:
            check = check.model_copy(update={"verdict": "inconclusive", "reason": f"the host was not healthy: {problem}; {check.reason}"})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, *identity, *rounds.kernels))

    def kernel(self, cell: Cell, rounds: PairedRounds, report: KernelReport, *, identity: Sequence[str]) -> tuple[Check, KernelReport]:
        """Are the linear layers of one written token no slower on a kernel than dense? With the table, which says how the host was."""
        check = self.latency(cell, rounds, identity=identity)
        best = max(report.layers, key=lambda layer: layer.share)
        where = f"{best.outputs} x {best.inputs}, {best.rows} tokens"
        reason = f"{check.reason}; at best {100 * best.share:.0f} % of the {best.bound} ceiling ({where})"
        unhealthy = health.problem(rounds.health) if rounds.health else None
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
        benchmark, tokens = benchmarks()[cell.benchmark], _counted_tokens(cell.benchmark)
        return compare.ratio(
            [seconds / tokens for seconds in reference],
            [seconds / tokens for seconds in candidate],
            **_identity(cell),
            benchmark=cell.benchmark,
            dimension=benchmark.dimension,
            capability=benchmark.capability,
            metric=benchmark.metric,
            margin=self._margin(cell.benchmark, LATENCY_MARGIN),
            policy=self.policy,
        )

    def rounds(self, cell: Cell) -> int:
        """Return how many rounds a timing needs: more where a limit is on a percentile, which few rounds cannot prove."""
        wanted = [limit.percentile / 100 for limit in self._limits(cell.benchmark) if limit.percentile is not None]
        return max([ROUNDS, *(stats.rounds_for(quantile, confidence=self.policy.confidence) for quantile in wanted)])

    def _limits(self, benchmark: str) -> list[Limit]:
        return cost_limits.read(benchmark, self.limits[benchmark]) if benchmark in self.limits else []

    def _margin(self, benchmark: str, default: float | None) -> Any:
        """Return the margin that a limit on the ratio means: 0.35 times the reference is a margin of -0.65; the tightest where there are several."""
        ratios = [limit.ratio for limit in self._limits(benchmark) if limit.ratio is not None]
        return min(ratios) - 1 if ratios else default

    def _by_limits(self, check: Check, values: Sequence[float]) -> Check:
        """Decide a check by the limits that are set by themselves, and by the ratio where one is set too; `values` are in the metric's base unit.

        Limits replace the default ratio: a release that promises 40 ms need not be as fast as its reference.
        """
        own = self._limits(check.benchmark)
        alone = [limit for limit in own if limit.most is not None]
        if not alone:
            return check
        answers = [
            compare.within_limit(_per_token(check, limit, values), limit, metric=check.metric, confidence=check.confidence)
            for limit in alone
        ]
        if any(limit.ratio is not None for limit in own):
            answers.insert(0, (check.verdict, check.reason))
            verdict, reason = compare.worst_of(answers)
            return check.model_copy(update={"verdict": verdict, "reason": reason})
        verdict, reason = compare.worst_of(answers)
        # Beside its own limit a timing still says how it compares, and decides nothing by that.
        shown = f"; {check.reason.split(', within', 1)[0].split(', above', 1)[0]}" if check.difference is not None else ""
        return check.model_copy(update={"verdict": verdict, "reason": f"{reason}{shown}", "margin": None})


def _per_token(check: Check, limit: Limit, values: Sequence[float]) -> list[float]:
    written = max(1, getattr(benchmarks()[check.benchmark], "decode", 1)) if limit.per_token else 1
    return [value / _counted_tokens(check.benchmark) / written for value in values]


def _counted_tokens(name: str) -> int:
    """Return by how many tokens the seconds of a benchmark are divided: 1 where it counts whole rounds."""
    benchmark: Any = benchmarks()[name]
    return int(getattr(benchmark, "tokens", 1)) if getattr(benchmark, "per_token", False) else 1


def _with(check: Check, evidence: str) -> Check:
    """Add the evidence that a waiver may name, where there is something to excuse."""
    return check.model_copy(update={"evidence": evidence}) if check.verdict not in ("error", "not_comparable") else check
