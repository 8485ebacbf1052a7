"""Records of a check (one question about one recipe on one benchmark, with its verdict) and of the verdicts pooled from checks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_unicomp.api.errors import VerdictError
from pytest_unicomp.api.records.distributions import DivergenceTable, DivergentReplies, Uncertainty
from pytest_unicomp.api.records.measurement import Agreement
from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.records.reply import ReplyChange
from pytest_unicomp.api.records.timing import HostHealth
from pytest_unicomp.api.vocabulary import Dimension, Family, Question, Verdict


class Estimate(Record):
    """A value with its standard error, or None if it is not known."""

    value: float | None
    stderr: float | None = None


class Flips(Record):
    """Items right before and wrong now, wrong before and right now, and wrong both times with another answer.

    `floor` is the share of items (0 to 1) that the reference itself scored otherwise than in its stored evidence of an earlier run: flips that
    nothing but another machine, batch or library version made. None if there is no such evidence.
    """

    lost: int
    gained: int
    changed: int
    floor: float | None = None


class Divergence(Record):
    """The distance between the answer distributions: mean KL(reference, candidate) in nats over the options, and how often the top option agrees.

    `margin_shrinkage` is by how many nats the reference's choice leads the best other option less than it did, on average: certainty that was
    lost although the answer is the same. Each with its standard error, None if there is one item alone.
    `over` says of what: `options` exactly; `tokens` of a text as a lower bound, from the likeliest tokens with all others as one, lead unknown.
    """

    over: Literal["options", "tokens"] = "options"

    kl_mean: float
    kl_stderr: float | None
    top1_agreement: float
    top1_stderr: float | None = None
    margin_shrinkage: float | None = None
    margin_shrinkage_stderr: float | None = None


class Slice(Record):
    """One part of a benchmark's items: an attack, a group, a language. Values are turned so that larger is better; `interval` is for this part
    alone, `p_value` that of "it loses more than the margin", adjusted over the parts, and `lost` what follows from it."""

    name: str
    n: int
    reference: float
    candidate: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    lost: bool


class Example(Record):
    """One flipped item as a reviewer reads it; texts are untrusted model output and are escaped wherever they are shown."""

    id: str
    prompt: str
    target: str
    reference_answer: str
    candidate_answer: str
    kind: Literal["lost", "gained", "changed"]


class Source(Record):
    """A stored document that a check rests on: `kind` and `key` name it in the store, `digest` is that of its content without times; `part` says
    that it is one of several, each of which holds some of the items. The side `earlier` is the reference in an earlier run."""

    side: Literal["reference", "candidate", "both", "earlier"]
    kind: str
    key: str
    digest: str
    part: bool = False


class Check(Record):
    """One question about one recipe on one benchmark, with its numbers and its verdict; the row of the report (design: section 5).

    `difference` = candidate - reference, turned so that negative is worse; `interval` is two-sided at `confidence` and decides the verdict;
    `p_value` is that of "the loss exceeds the margin" (used by Holm within a recipe). `margin` is in the unit of the difference, even if it
    was given as a share of the reference or of its errors: then it is what that share is here, and `interval` carries the reference's uncertainty.
    `spread` is the standard deviation of an item's difference, None if items are right or wrong, whose flips say it; `design_effect` is by how
    much clusters of items raise the variance of the difference.
    `capability_interval` and `capability_margin` are the same at the capability's margin, None if `interval` serves for both. `worst_slice` is
    the part of the items that lost most; of free replies, `unanswered` counts those that could not be read (reference, candidate), `floors` is what
    constant answers score on the same items, and `judge` says who read them. Of timings, `kernels` names what computed (reference, candidate)
    and `health` is the host's meanwhile;
    of generated replies, `replies` says how length, loops and thoughts changed, and is written only if that was recorded;
    of sizes, `details` are numbers that stand beside the one that is compared (reference, candidate).
    `divergence_table`, `divergent_replies` and `uncertainty` inform alone.
    `evidence` is the hash that a waiver names (None if there is nothing to excuse), `waived` says that one does, `accepted` that a baseline was rewritten on
    request, which passes whatever changed; `sources` is what it was computed from.
    """

    nodeid: str = ""
    recipe: str
    family: Family = "none"
    gates: bool
    benchmark: str
    dimension: Dimension
    capability: str
    question: Question
    metric: str
    higher_is_better: bool
    n: int = 0
    reference: Estimate = Estimate(value=None)
    candidate: Estimate = Estimate(value=None)
    difference: float | None = None
    interval: tuple[float, float] | None = None
    confidence: float
    margin: float | None
    retention: float | None = None
    chance: float | None = None
    chance_corrected_retention: float | None = None
    flips: Flips | None = None
    discordance: float | None = None
    spread: float | None = None
    design_effect: float = 1.0
    divergence: Divergence | None = None
    replies: ReplyChange | None = Field(default=None, exclude_if=lambda value: value is None)
    divergence_table: DivergenceTable | None = None
    divergent_replies: DivergentReplies | None = None
    uncertainty: Uncertainty | None = None
    minimum_detectable_effect: float | None = None
    p_value: float | None = None
    capability_interval: tuple[float, float] | None = None
    capability_margin: float | None = None
    worst_slice: Slice | None = None
    unanswered: tuple[int, int] | None = None
    floors: dict[str, float] = {}
    judge: str = "none"
    judge_agreement: Agreement | None = None
    kernels: tuple[str, str] | None = None
    details: dict[str, tuple[float | None, float | None]] = {}
    health: HostHealth | None = None
    verdict: Verdict
    reason: str
    evidence: str | None = None
    waived: bool = False
    accepted: bool = False
    sources: list[Source] = []
    changes: list[str] = []
    examples: list[Example] = []
    seconds: float = 0.0

    def assert_passed(self, *, binding: bool | None = None) -> None:
        """Raise VerdictError unless the check passed or does not gate; `binding` False lets it inform without failing the run."""
        if self.verdict == "pass" or not self.gates:
            return
        decides = self.verdict == "fail" if binding is None else binding
        raise _not_passed(self.verdict, self.reason, self.evidence, waived=self.waived, binding=decides)


def _not_passed(verdict: Verdict, reason: str, evidence: str | None, *, waived: bool, binding: bool) -> VerdictError:
    words = f"{verdict.upper().replace('_', ' ')}: {reason}" + (f"; evidence {evidence}" if evidence else "")
    return VerdictError(f"WAIVED: {words}" if waived else words, verdict="waived" if waived else verdict, binding=binding and not waived)


class CapabilityVerdict(Record):
    """A capability of one recipe, pooled over its benchmarks with equal weights.

    `set_aside` names those that a waiver excuses: they are left out of the pool, unless nothing would be left; then the whole is `waived`.
    """

    capability: str
    dimension: Dimension
    benchmarks: list[str]
    difference: float | None
    interval: tuple[float, float] | None
    confidence: float
    margin: float | None
    retention: float | None
    chance_corrected_retention: float | None = None
    verdict: Verdict
    reason: str
    evidence: str | None = None
    set_aside: list[str] = []
    waived: bool = False

    def assert_passed(self, *, gates: bool) -> None:
        """Raise VerdictError unless the capability is kept or the recipe does not gate."""
        if self.verdict != "pass" and gates:
            raise _not_passed(self.verdict, self.reason, self.evidence, waived=self.waived, binding=True)


class CalibrationGain(Record):
    """The gain of a recipe in one capability if it is calibrated on `target` instead of `calibration`, all else equal: paired, pooled over
    `benchmarks`; positive is better. `metric` is the unit: a rate, or nats per token. `verdict`: pass gains, fail costs, else not shown."""

    recipe: str
    calibration: str
    target: str
    capability: str
    metric: Literal["rate", "nats_per_token"]
    benchmarks: list[str]
    n: int
    difference: float
    interval: tuple[float, float]
    confidence: float
    verdict: Verdict
    reason: str
