"""Records of a run's report: recipes, checks, findings, waivers and the origins of the measurements."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from pytest_unicomp.api.records.artifact import Artifact, CalibrationText
from pytest_unicomp.api.records.check import CalibrationGain, CapabilityVerdict, Check
from pytest_unicomp.api.records.ranking import Ranking
from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.records.timing import KernelReport
from pytest_unicomp.api.vocabulary import Family, RunVerdict, Verdict


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


class Unchanged(Record):
    """The probability that a model without any loss `passes` every capability, and the one `raised_to` with twice the items of the benchmark
    `raised_by`, which helps most. All follow from the widths of the intervals; capabilities and recipes count as independent."""

    passes: float
    raised_by: str
    raised_to: float


class RecipeVerdict(Record):
    """A recipe's row in the report: its capabilities, its artifact and the verdict that follows from all its checks.

    `hidden_danger` says in one sentence that performance is kept and behaviour is not, None if that is not so. `scores` are UniComp's thirteen
    (0 to 100, may exceed it), None if a cell was not measured or has no ratio; `score_intervals` their intervals at the run's confidence, `score_basis` what each rests on;
    `published` is {model of the paper: the same scores of its row for this technique}.
    `without_waivers` is what the verdict would be if no waiver excused anything. `unchanged` is None if a capability has no interval.
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
    unchanged: Unchanged | None = None
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
    """A waiver as the run applied it: `state` says if it excused what it names, and `note` why not; `expires` is its last day, ISO 8601."""

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


class LeftOut(Record):
    """A planned test that has no answer: what it asks (a word of MARK_QUESTIONS) of which recipe; `benchmark` is empty for a capability as a whole."""

    recipe: str
    benchmark: str
    capability: str
    question: str


class Partial(Record):
    """A run that did not reach everything that was planned: how many tests were planned, why some have no answer, and which these are.

    `exit_code` is what the process ended with if that did not follow from the verdict: 2 interrupted, 5 nothing selected, 7 an error ended it.
    """

    planned: int
    why: str
    exit_code: Literal[2, 5, 7] | None
    missing: list[LeftOut]

    @property
    def reached(self) -> int:
        """The number of planned tests that have an answer."""
        return self.planned - len(self.missing)


class Origin(Record):
    """The origin that measurements share: machine, engine, dtype of computation and library versions; their number, whose they are (`recipes`,
    the reference's as `reference`), and when the first and the last were made (ISO 8601). Stored evidence may be older than the run."""

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

    `without_waivers` is what the verdict would be if no waiver excused anything; `unchanged` is of all gating recipes together. `record` is the key, in the
    store's `reports`, of the same report without this field, as the run wrote it (None: an older report, or one whose run kept none). `partial`
    is None if the run reached everything that was planned; otherwise the verdict is never a pass.
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
    unchanged: Unchanged | None = None
    rankings: list[Ranking] = []
    kernels: list[KernelReport] = []
    origins: list[Origin] = []
    partial: Partial | None = None
    record: str | None = None
