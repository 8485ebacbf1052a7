"""Measurements -> Check, by one policy: every question passes through `Checker.check`, in a run as in `unicomp verify`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, assert_never

from pytest_unicomp import compare
from pytest_unicomp.api.errors import UnicompError, one_line
from pytest_unicomp.api.protocols import Benchmark, CostBenchmark, LatencyBenchmark, SizeBenchmark
from pytest_unicomp.api.records import Check, Estimate, Family, KernelReport, Measurement, Question
from pytest_unicomp.api.registry import Table, benchmarks
from pytest_unicomp.checkpoints import artifact_check
from pytest_unicomp.compare import hashes, stats
from pytest_unicomp.config import cost_limits
from pytest_unicomp.config.cost_limits import Limit
from pytest_unicomp.engine.host import health
from pytest_unicomp.engine.host.launching import launch_problem
from pytest_unicomp.engine.host.paired_timing import ROUNDS, PairedRounds
from pytest_unicomp.run import early_stopping
from pytest_unicomp.run.check_inputs import CheckInputs, Inspection, MeasurePart, Pair, Single, Timed
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.store.baselines import condense

LATENCY_MARGIN = 0.25
# Resident memory holds what allocators keep for themselves.
MEMORY_MARGIN = 0.25


class Subject(TypedDict):
    """The recipe of a check, as the fields of its record."""

    recipe: str
    family: Family
    gates: bool


def subject_of(cell: Cell) -> Subject:
    """Return the recipe of a cell, as the fields of a check."""
    return {"recipe": cell.recipe, "family": cell.family, "gates": cell.gates}


@dataclass(frozen=True)
class Checker:
    """The policy, the limits of cost by benchmark, the items by benchmark that must be right, and the benchmarks of the run."""

    policy: compare.Policy
    cost_limits: Mapping[str, Any] = field(default_factory=dict)
    must_pass_items: Mapping[str, Sequence[str]] = field(default_factory=dict)
    table: Table[Benchmark] = field(default_factory=benchmarks, repr=False)

    def check(self, cell: Cell, question: Question, inputs: CheckInputs) -> Check:
        """Compute the check of a cell, with the evidence digest that a waiver names; `question` distinguishes the checks of one pair."""
        match inputs:
            case Pair():
                ask = {
                    "retention": self._retention,
                    "drift": self._drift,
                    "must_pass": self._must_pass,
                    "reply_limits": self._reply_limits,
                    "efficiency": self._size,
                    "calibration": self._calibration_gain,
                }[question]
                return ask(cell, inputs)
            case Single():
                return self._cost(cell, inputs.candidate)
            case Timed():
                return self._latency(cell, inputs)
            case Inspection():
                return self._artifact(cell, inputs)
            case _:
                assert_never(inputs)

    def stopped_early(
        self, cell: Cell, reference: Measurement, part: MeasurePart, earlier: Measurement | None = None
    ) -> tuple[Check, Measurement]:
        """Decide retention from one part of the items after another until it is certain; return what was measured for it too."""
        margin = self.policy.of(recipe=cell.recipe, capability=cell.capability).capability
        check, measured = early_stopping.EarlyStopping(reference, part, self.policy, margin).decide(cell)
        check = _with(check, hashes.of_items("retention", reference, measured))
        return check if earlier is None else compare.with_floor(check, earlier, reference), measured

    def not_timed(self, cell: Cell, reason: str) -> Check:
        """Return the check of a timing that could not be taken here; there is no evidence that a waiver could name."""
        return self._of_ratio(cell, self._ratio(cell, [], [])).model_copy(update={"verdict": "inconclusive", "reason": reason})

    def broken(self, cell: Cell, question: Question, error: BaseException) -> Check:
        """Return the check of a cell that could not be made or measured: an error, never a regression and never a pass."""
        benchmark = self.table.entries.get(cell.benchmark)
        return compare.broken(
            **subject_of(cell),
            benchmark=cell.benchmark,
            dimension=cell.dimension,
            capability=cell.capability,
            question=question,
            metric=benchmark.metric if benchmark else "problems",
            higher_is_better=benchmark.higher_is_better if benchmark else False,
            policy=self.policy,
            message=one_line(error) if isinstance(error, UnicompError) else f"{type(error).__name__}: {one_line(error)}".removesuffix(": "),
        )

    def rounds(self, cell: Cell) -> int:
        """Return how many rounds a timing needs: more if a limit is on a percentile, which few rounds cannot prove."""
        wanted = [limit.percentile / 100 for limit in self._cost_limits(cell.benchmark) if limit.percentile is not None]
        return max([ROUNDS, *(stats.rounds_for(quantile, confidence=self.policy.confidence) for quantile in wanted)])

    # What is asked of two measurements

    def _retention(self, cell: Cell, pair: Pair) -> Check:
        check = compare.retention(pair.reference, pair.candidate, **subject_of(cell), policy=self.policy, identical=False)
        check = _with(check, hashes.of_items("retention", pair.reference, pair.candidate))
        return check if pair.earlier is None else compare.with_floor(check, pair.earlier, pair.reference)

    def _drift(self, cell: Cell, pair: Pair) -> Check:
        # Condensed as the baseline is.
        current = condense(pair.candidate)
        check = compare.drift(pair.reference, current, **subject_of(cell), policy=self.policy)
        return _with(check, hashes.of_items("drift", pair.reference, current))

    def _must_pass(self, cell: Cell, pair: Pair) -> Check:
        patterns = self.must_pass_items[cell.benchmark]
        check = compare.must_pass(pair.reference, pair.candidate, patterns, **subject_of(cell), policy=self.policy)
        chosen, unmet = compare.must_pass_items(pair.candidate.items, patterns)
        scores = [[item.id, item.prompt_digest, item.score] for item in chosen]
        return _with(check, hashes.of_values("must_pass", cell.benchmark, scores, unmet))

    def _reply_limits(self, cell: Cell, pair: Pair) -> Check:
        check = compare.reply_limits(pair.reference, pair.candidate, **subject_of(cell), policy=self.policy)
        return _with(check, hashes.of_replies("reply_limits", pair.reference, pair.candidate))

    def _calibration_gain(self, cell: Cell, pair: Pair) -> Check:
        return compare.calibration_gain(pair.reference, pair.candidate, recipe=cell.recipe, family=cell.family, policy=self.policy)

    def _size(self, cell: Cell, pair: Pair) -> Check:
        reference, candidate = pair.reference, pair.candidate
        benchmark = self.table[cell.benchmark]
        # What a process took once is no constant of the model, and once tells nothing of its spread.
        once = isinstance(benchmark, SizeBenchmark) and benchmark.measured_once
        ratio = compare.sizes(reference, candidate, recipe=cell.recipe, confidence=self.policy.confidence, repeatable=not once)
        margin = self._margin(cell.benchmark, MEMORY_MARGIN if once else self.policy.benchmark.excess)
        check = compare.cost(
            ratio,
            **subject_of(cell),
            benchmark=candidate.benchmark,
            dimension=candidate.dimension,
            capability=candidate.capability,
            margin=margin,
        )
        check = compare.by_limits(check, ratio.after, self._cost_limits(cell.benchmark), ratio=ratio, repeatable=not once)
        names = dict.fromkeys((*reference.details, *candidate.details))
        beside = {name: (reference.details.get(name), candidate.details.get(name)) for name in names}
        check = check.model_copy(update={"details": beside})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, reference.value, candidate.value))

    # What is asked of one measurement, of timings and of files

    def _cost(self, cell: Cell, candidate: Measurement) -> Check:
        """Without a limit the number informs; a number that nobody recorded is no pass."""
        known = [] if candidate.value is None else [candidate.value]
        benchmark = self.table[cell.benchmark]
        unknown = benchmark.unknown if isinstance(benchmark, CostBenchmark) else "no record"
        check = Check(
            **subject_of(cell),
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
        check = compare.by_limits(check, known, self._cost_limits(cell.benchmark)) if known else check
        return _with(check, hashes.of_values("efficiency", cell.benchmark, candidate.value))

    def _latency(self, cell: Cell, timed: Timed) -> Check:
        rounds, benchmark = timed.rounds, self.table[cell.benchmark]
        ratio = self._ratio(cell, rounds.reference_seconds, rounds.candidate_seconds)
        written = benchmark.written_tokens if isinstance(benchmark, LatencyBenchmark) else 1
        check = compare.by_limits(self._of_ratio(cell, ratio), ratio.after, self._cost_limits(cell.benchmark), written=written, ratio=ratio)
        before, after = rounds.kernels
        reason = f"{check.reason}; {after} beside {before}"
        check = check.model_copy(update={"kernels": rounds.kernels, "health": rounds.health, "reason": reason})
        problem = _timing_problem(rounds)
        if problem is not None:
            check = check.model_copy(update={"verdict": "inconclusive", "reason": f"{problem}; {check.reason}"})
        if timed.kernel is not None:
            check = check.model_copy(update={"reason": f"{check.reason}; {_best_layer(timed.kernel)}"})
        return _with(check, hashes.of_values("efficiency", cell.benchmark, *timed.identity, *rounds.kernels))

    def _artifact(self, cell: Cell, inspection: Inspection) -> Check:
        artifact, findings = inspection.artifact, inspection.findings
        check = artifact_check.check(artifact, findings, **subject_of(cell), confidence=self.policy.confidence)
        failed = sorted([finding.check, str(finding.found)] for finding in findings if finding.status == "fail")
        return _with(check, hashes.of_values("artifact", artifact.fingerprint, failed))

    def _ratio(self, cell: Cell, reference: Sequence[float], candidate: Sequence[float]) -> compare.Ratio:
        benchmark = self.table[cell.benchmark]
        tokens = benchmark.counted_tokens if isinstance(benchmark, LatencyBenchmark) else 1
        sides = [[seconds / tokens for seconds in side] for side in (reference, candidate)]
        return compare.Ratio.of(*sides, metric=benchmark.metric, confidence=self.policy.confidence)

    def _of_ratio(self, cell: Cell, ratio: compare.Ratio) -> Check:
        benchmark = self.table[cell.benchmark]
        return compare.cost(
            ratio,
            **subject_of(cell),
            benchmark=cell.benchmark,
            dimension=benchmark.dimension,
            capability=benchmark.capability,
            margin=self._margin(cell.benchmark, LATENCY_MARGIN),
        )

    def _cost_limits(self, benchmark: str) -> list[Limit]:
        return cost_limits.read(benchmark, self.cost_limits[benchmark]) if benchmark in self.cost_limits else []

    def _margin(self, benchmark: str, default: float) -> float:
        """Return the margin equivalent to a limit on the ratio (0.35 times the reference is a margin of -0.65); the tightest of several."""
        ratios = [limit.ratio for limit in self._cost_limits(benchmark) if limit.ratio is not None]
        return min(ratios) - 1 if ratios else default


def kernel_table(report: KernelReport, rounds: PairedRounds) -> KernelReport:
    """Return the table of a kernel with what speaks against its timings."""
    return report.model_copy(update={"unhealthy": health.timing_problem(rounds.health) if rounds.health else None})


def _timing_problem(rounds: PairedRounds) -> str | None:
    if rounds.health is None:
        return None
    unhealthy = health.timing_problem(rounds.health)
    return f"the host was not healthy: {unhealthy}" if unhealthy else launch_problem(rounds.health.launching)


def _best_layer(kernel: KernelReport) -> str:
    best = max(kernel.layers, key=lambda layer: layer.share)
    return f"at best {100 * best.share:.0f} % of the {best.bound} ceiling ({best.outputs} x {best.inputs}, {best.rows} tokens)"


def _with(check: Check, evidence: str) -> Check:
    """Add the evidence that a waiver may name, if there is something to excuse."""
    return check.model_copy(update={"evidence": evidence}) if check.verdict not in ("error", "not_comparable") else check
