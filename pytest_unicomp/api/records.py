"""What the stages hand to each other: frozen, validated records that are also the format of every file the project writes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pytest_unicomp.api.errors import VerdictError
from pytest_unicomp.api.vocabulary import CAPABILITIES as CAPABILITIES
from pytest_unicomp.api.vocabulary import Dimension as Dimension
from pytest_unicomp.api.vocabulary import Family as Family

Verdict = Literal["pass", "fail", "inconclusive", "not_comparable", "error"]
Question = Literal["retention", "drift", "efficiency", "artifact", "calibration", "must_pass"]
RunVerdict = Literal["pass", "fail", "inconclusive", "error"]


class Record(BaseModel):
    """Immutable, no unknown fields, no NaN: what cannot be known is None."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Model(Record):
    """The reference, resolved to files on this machine: `fingerprint` covers weights, configuration, tokenizer and template."""

    name: str
    path: str
    fingerprint: str
    parameters: int = Field(ge=0)
    bytes: int = Field(ge=0)


class CalibrationText(Record):
    """Which texts a calibrated method saw: mixture name, number of texts, tokens per text at most, seed, sha256 of the texts, tokens of all
    texts together (None where unknown), and their form: `equal`, whose length and template do not depend on the mixture, or the sources' `own`;
    `left_out` texts gave questions of the run away."""

    mixture: str
    samples: int
    tokens: int
    seed: int
    digest: str
    tokens_seen: int | None = None
    form: Literal["equal", "own"] = "equal"
    left_out: int = Field(default=0, ge=0)


class Artifact(Record):
    """A compressed model as an ordinary checkpoint folder. `bytes` are those of its weight files, `bits_per_weight` = 8 x bytes / parameters
    of the reference architecture stored in it, `sparsity` the share of exact zeros in the decoder's linear layers. A served model's `path` is its
    address, and what only its files could tell is None. `compress_joules` are the device's own count (None: it has none), `training_tokens` those
    that a method trained on (None: it does not train)."""

    recipe: str
    family: Family
    settings: dict[str, Any]
    calibration: CalibrationText | None = None
    path: str
    fingerprint: str
    parameters: int | None = Field(ge=0)
    bytes: int | None = Field(ge=0)
    bits_per_weight: float | None = Field(ge=0)
    sparsity: float | None = Field(ge=0, le=1)
    compress_seconds: float | None = Field(default=None, ge=0)
    compress_peak_bytes: int | None = Field(default=None, ge=0)
    compress_joules: float | None = Field(default=None, ge=0)
    training_tokens: int | None = Field(default=None, ge=0)


class Item(Record):
    """One evaluated item. `score` lies in [0, 1] (or nats per token for language modelling) and is None where no score could be given;
    `prompt_digest` is the first 16 hex digits of the sha256 of the rendered prompt; `log_probabilities` belong to the answer options.

    `said` is how a free reply was read: a label, or "empty", "garbled", "unreadable", "unjudged". `slice` is the part of its set (attack, group,
    type) that it belongs to. `top_tokens`, of scored texts, holds for some positions the likeliest next tokens, best first: pairs of token id and log-probability in nats.
    """

    id: str
    cluster: str | None = None
    score: float | None
    prompt_digest: str
    prompt: str = ""
    answer: str = ""
    target: str = ""
    log_probabilities: list[float] | None = None
    top_tokens: list[list[tuple[int, float]]] | None = None
    said: str | None = None
    slice: str | None = None


class Agreement(Record):
    """How often a judge agrees with humans on a task: share of `n` replies with its 95 % Wilson interval, and Cohen's kappa (None: not known)."""

    source: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    kappa: float | None


class Conditions(Record):
    """Everything that must be equal before two measurements may be compared; `dtype` is that of the computation, not of the file."""

    benchmark: str
    dataset: str
    metric: str
    template: str
    shots: int
    generation: dict[str, Any]
    engine: str
    dtype: str
    seed: int
    limit: int | None
    scoring: Literal["paper", "corrected"] = "corrected"
    judge: str = "none"


class Measurement(Record):
    """One artifact on one benchmark, with its per-item evidence. `value` is the mean of the item scores, `stderr` its standard error.

    Of free replies: `unanswered` could not be read, `unjudged` could not be judged, `unavailable` says why none could, `floors` is what constant
    answers score on the same items. Of sizes: `details` are numbers that stand beside `value`, by name.
    """

    benchmark: str
    dimension: Dimension
    capability: str
    metric: str
    higher_is_better: bool
    chance: float | None
    value: float | None
    stderr: float | None
    n: int
    items: list[Item]
    conditions: Conditions
    artifact: str
    versions: dict[str, str]
    machine: str
    seconds: float
    created: str
    unanswered: int = 0
    unjudged: int = 0
    unavailable: str | None = None
    floors: dict[str, float] = {}
    judge_agreement: Agreement | None = None
    details: dict[str, float | None] = {}


class Estimate(Record):
    """A value with its standard error, or None where it is not known."""

    value: float | None
    stderr: float | None = None


class Flips(Record):
    """Items right before and wrong now, wrong before and right now, and wrong both times with another answer.

    `floor` is the share of items (0 to 1) that the reference itself scored otherwise than in its stored evidence of an earlier run: flips that
    nothing but another machine, batch or library version made. None where there is no such evidence.
    """

    lost: int
    gained: int
    changed: int
    floor: float | None = None


class Divergence(Record):
    """How far the answer distributions moved: mean KL(reference, candidate) in nats over the options, and how often the top option agrees.

    `margin_shrinkage` is by how many nats the reference's choice leads the best other option less than it did, on average: certainty that was
    lost where the answer still stands. Each with its standard error, None where there is one item alone.
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


class HostHealth(Record):
    """The host while rounds were timed: cores, how many of them all processes and those of others kept busy, load average over a minute, clock in
    MHz. Of a GPU: processes of others on it, clock now and highest in MHz, what holds the clock down, joules used meanwhile. None: not known."""

    cores: int
    busy_cores: float | None
    others_busy_cores: float | None
    load: float | None
    megahertz: float | None
    gpu_others: int | None = None
    gpu_megahertz: tuple[int, int] | None = None
    gpu_throttled: str | None = None
    joules: float | None = None


class Check(Record):
    """One question about one recipe on one benchmark, with its numbers and its verdict; the row of the report (design: section 5).

    `difference` = candidate - reference, turned so that negative is worse; `interval` is two-sided at `confidence` and decides the verdict;
    `p_value` is that of "the loss exceeds the margin" (used by Holm within a recipe). `margin` is in the unit of the difference, also where it
    was given as a share of the reference or of its errors: then it is what that share is here, and `interval` carries the reference's uncertainty.
    `capability_interval` and `capability_margin` are the same at the capability's margin, None where `interval` serves for both. `worst_slice` is
    the part of the items that lost most; of free replies, `unanswered` counts those that could not be read (reference, candidate), `floors` is what
    constant answers score on the same items, and `judge` says who read them. Of timings, `kernels` names what computed (reference, candidate)
    and `health` is the host's meanwhile;
    of sizes, `details` are numbers that stand beside the one that is compared (reference, candidate).
    `evidence` is the hash that a waiver names (None where there is nothing to excuse), `waived` says that one does, `accepted` that a baseline was rewritten on
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
    divergence: Divergence | None = None
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
    """What a recipe gains in one capability when it is calibrated on `target` instead of `calibration`, all else equal: paired, pooled over
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


class Claim(Record):
    """A claim of the paper about this run: `difference` and `interval` in points of the scores (or a correlation), positive for the claim."""

    claim: str
    about: str
    answer: Literal["holds", "does not hold", "undecided", "not tested"]
    difference: float | None
    interval: tuple[float, float] | None
    reason: str


class Point(Record):
    """A recipe in the plane of quality (mean of the scores that all have) and cost: bytes, seconds of a timed round of writing (None: not timed for
    all), seconds to make it. `front`: no other recipe is as good in everything and better in something."""

    recipe: str
    quality: float
    bytes: int
    seconds: float | None
    compress_seconds: float
    front: bool


class Spread(Record):
    """Median and quartiles of repeated timings, in seconds."""

    median: float
    low: float
    high: float


class Ceilings(Record):
    """What the device did at best in the same run: `bandwidth` of a large copy in bytes per second (read and written), `rate` of a large dense
    product in operations per second (two per multiply-add); how much was copied, and what was multiplied."""

    bandwidth: float = Field(gt=0)
    rate: float = Field(gt=0)
    copied_bytes: int
    product: str

    def share(self, bytes: int, operations: int, seconds: float) -> float:
        """Return the least time that the ceilings allow, over the time taken: 1 is as fast as the device; above 1 the bytes came from a cache."""
        return max(bytes / self.bandwidth, operations / self.rate) / seconds

    def bound(self, bytes: int, operations: int) -> Literal["memory", "arithmetic"]:
        """Say which ceiling is nearer."""
        return "memory" if bytes / self.bandwidth >= operations / self.rate else "arithmetic"


class LayerTiming(Record):
    """One shape of linear layer, which `layers` layers have, times `rows` tokens: dense bfloat16 against a kernel, in paired rounds.

    Bytes are those of weights, scales, inputs and outputs that one product must move; `bandwidth` and `rate` are bytes and operations per second
    of the kernel; `ratio` is kernel / dense with its interval, `share` how near the ceiling that binds (`bound`) the median comes; `difference`
    is that of the products, relative to their size.
    """

    outputs: int
    inputs: int
    layers: int
    names: list[str]
    rows: int
    phase: Literal["decode", "prefill"]
    kernel: str
    dense_seconds: Spread
    seconds: Spread
    ratio: float
    interval: tuple[float, float]
    dense_bytes: int
    bytes: int
    operations: int
    bandwidth: float
    rate: float
    dense_share: float
    share: float
    bound: Literal["memory", "arithmetic"]
    difference: float


class KernelReport(Record):
    """A format's kernel on the layers of the reference model, on this device: the table of `kernel-<format>`.

    `left_out` names shapes that the kernel does not take, with why; `unhealthy` says what spoke against the timings, None where nothing did.
    """

    format: str
    kernel: str
    device: str
    ceilings: Ceilings
    layers: list[LayerTiming]
    left_out: list[str] = []
    rounds: int
    confidence: float
    unhealthy: str | None = None


class RecipeVerdict(Record):
    """A recipe's row in the report: its capabilities, its artifact and the verdict that follows from all its checks.

    `hidden_danger` says in one sentence that performance is kept and behaviour is not, None where that is not so. `scores` are UniComp's thirteen
    (0 to 100, may exceed it), None where a cell was not measured or has no ratio; `score_intervals` their intervals at the run's confidence, `score_basis` what each rests on;
    `published` is {model of the paper: the same scores of its row for this technique}.
    `without_waivers` is what the verdict would be if no waiver excused anything.
    """

    recipe: str
    family: Family
    gates: bool
    settings: dict[str, Any]
    calibration: CalibrationText | None
    verdict: Verdict
    without_waivers: Verdict | None = None
    reason: str
    capabilities: list[CapabilityVerdict]
    hidden_danger: str | None = None
    scores: dict[str, float | None] = {}
    score_intervals: dict[str, tuple[float, float]] = {}
    score_basis: dict[str, str] = {}
    published: dict[str, dict[str, float | None]] = {}
    artifact: Artifact | None


class ReferenceSummary(Record):
    """The reference as the report names it."""

    model: str
    fingerprint: str
    parameters: int
    bytes: int


class WaiverState(Record):
    """A waiver as the run met it: `state` says whether it excused what it names, and `note` why not; `expires` is its last day, ISO 8601."""

    recipe: str
    benchmark: str | None
    capability: str | None
    question: str
    owner: str
    reason: str
    expires: str
    evidence: str
    state: Literal["applied", "expired", "other_evidence", "not_needed", "not_met"]
    note: str


class Origin(Record):
    """Where measurements come from that share machine, engine, dtype of computation and library versions: how many, whose (`recipes`, the
    reference's as `reference`), and when the first and the last were made (ISO 8601). Stored evidence and the store may be older than the run."""

    machine: str
    engine: str
    dtype: str
    versions: dict[str, str]
    recipes: list[str]
    measurements: int
    first: str
    last: str


class Report(Record):
    """The whole answer of a run (schema `unicomp-report/1`); HTML and Markdown are made from it alone.

    `without_waivers` is what the verdict would be if no waiver excused anything.
    """

    schema_: Literal["unicomp-report/1"] = Field(default="unicomp-report/1", alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True, serialize_by_alias=True)
    created: str
    verdict: RunVerdict
    without_waivers: RunVerdict | None = None
    exit_code: int
    reason: str
    environment: dict[str, Any]
    policy: dict[str, Any]
    reference: ReferenceSummary | None
    recipes: list[RecipeVerdict]
    checks: list[Check]
    waivers: list[WaiverState] = []
    calibration_gains: list[CalibrationGain] = []
    findings: list[Claim] = []
    pareto: list[Point] = []
    cheapest: str | None = None
    kernels: list[KernelReport] = []
    origins: list[Origin] = []
