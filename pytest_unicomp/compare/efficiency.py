"""Efficiency checks: the ratio candidate / reference of a cost, from paired timings or from two exact numbers such as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Dimension, Family, Measurement, Verdict
from pytest_unicomp.compare import stats, wording
from pytest_unicomp.compare.estimates import estimate


@dataclass(frozen=True)
class Ratio:
    """The ratio of a candidate's cost to the reference's, from paired rounds in time order or from one number each.

    `found` is the ratio with its interval at `confidence` (None: fewer than two rounds). Single numbers are exact or, if not
    `repeatable`, measured once with an unknown spread.
    """

    before: tuple[float, ...]
    after: tuple[float, ...]
    metric: str
    confidence: float
    found: stats.Bounded | None
    timed: bool
    repeatable: bool = True

    @staticmethod
    def of(
        reference: Sequence[float] | float,
        candidate: Sequence[float] | float,
        *,
        metric: str,
        confidence: float,
        repeatable: bool = True,
    ) -> Ratio:
        """Compare two sequences as paired rounds, or two numbers; raise UnicompError unless all are positive, finite and paired."""
        timed = not isinstance(reference, (int, float)) and not isinstance(candidate, (int, float))
        before = (float(reference),) if isinstance(reference, (int, float)) else tuple(map(float, reference))
        after = (float(candidate),) if isinstance(candidate, (int, float)) else tuple(map(float, candidate))
        found = _timed(before, after, confidence) if timed else _exact(before, after)
        return Ratio(before, after, metric, confidence, found, timed, repeatable)

    def __str__(self) -> str:
        """Return the ratio and its spread: "0.270 times the reference's bytes (exact)"."""
        if self.found is None:
            return f"{wording.counted(len(self.before), 'paired round')} timed, at least 2 are needed"
        bounds = (
            f"{100 * self.confidence:.0f} % interval {self.found.lower:.3f} to {self.found.upper:.3f}, {len(self.before)} paired rounds"
        )
        spread = bounds if self.timed else wording.single(repeatable=self.repeatable)
        return f"{self.found.value:.3f} times the reference's {self.metric} ({spread})"

    @property
    def difference(self) -> float | None:
        """1 - candidate / reference: -0.1 means ten percent more."""
        return None if self.found is None else 1 - self.found.value

    @property
    def interval(self) -> tuple[float, float] | None:
        """The bounds of `difference`: a point if both numbers are exact, None if the spread is not known."""
        return None if self.found is None or not self.repeatable else (1 - self.found.upper, 1 - self.found.lower)

    def decide(self, margin: float) -> tuple[Verdict, str]:
        """Pass iff the difference's lower bound > -margin, fail iff its upper bound < -margin, else inconclusive; with the reason."""
        if self.found is None:
            return "inconclusive", f"undecided: {self}"
        limit = f"{1 + margin:.2f} times"
        if 1 - self.found.upper > -margin or (not self.timed and self.found.value <= 1 + margin):
            return "pass", f"{self}, within the limit of {limit}"
        if 1 - self.found.lower < -margin:
            return "fail", f"{self}, above the limit of {limit}"
        return "inconclusive", f"undecided: {self}, on both sides of the limit of {limit}; more rounds would decide"


def cost(
    ratio: Ratio, *, recipe: str, family: Family, gates: bool, benchmark: str, dimension: Dimension, capability: str, margin: float
) -> Check:
    """Return the efficiency check of a ratio of costs at `margin`; lower is better."""
    verdict, reason = ratio.decide(margin)
    return Check(
        recipe=recipe,
        family=family,
        gates=gates,
        benchmark=benchmark,
        dimension=dimension,
        capability=capability,
        question="efficiency",
        metric=ratio.metric,
        higher_is_better=False,
        n=len(ratio.before),
        reference=estimate(ratio.before),
        candidate=estimate(ratio.after),
        difference=ratio.difference,
        interval=ratio.interval,
        confidence=ratio.confidence,
        margin=margin,
        verdict=verdict,
        reason=reason,
        seconds=sum(ratio.before) + sum(ratio.after) if ratio.timed else 0.0,
    )


def sizes(reference: Measurement, candidate: Measurement, *, recipe: str, confidence: float, repeatable: bool = True) -> Ratio:
    """Return the ratio of two measured numbers (bytes of an artifact); raise UnicompError if one is missing."""
    if reference.value is None or candidate.value is None:
        raise UnicompError(f"unicomp: {candidate.benchmark} of {recipe} has no value to compare; expected a number on both sides.")
    return Ratio.of(reference.value, candidate.value, metric=candidate.metric, confidence=confidence, repeatable=repeatable)


def _exact(before: Sequence[float], after: Sequence[float]) -> stats.Bounded:
    if len(before) != 1 or len(after) != 1 or not (0 < before[0] < float("inf") and 0 < after[0] < float("inf")):
        raise UnicompError(
            f"unicomp: a ratio of exact numbers found {list(before)} and {list(after)}; expected one positive finite number each."
        )
    value = after[0] / before[0]
    return stats.Bounded(value, value, value)


def _timed(before: Sequence[float], after: Sequence[float], confidence: float) -> stats.Bounded | None:
    if len(before) == len(after) < 2:
        return None
    return stats.ratio_interval(before, after, confidence=confidence)
