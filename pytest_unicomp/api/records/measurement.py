"""Records of a measurement: items with their evidence, the conditions of the evaluation, and the mean score."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pytest_unicomp.api.records.record import Record
from pytest_unicomp.api.records.reply import Reply
from pytest_unicomp.api.vocabulary import Dimension


class Item(Record):
    """One evaluated item. `score` lies in [0, 1] (or nats per token for language modelling) and is None if no score could be given;
    `prompt_digest` is the first 16 hex digits of the sha256 of the rendered prompt; `log_probabilities` belong to the answer options.

    `said` is how a free reply was read: a label, or "empty", "garbled", "unreadable", "unjudged". `slice` is the part of its set (attack, group,
    type) that it belongs to. `top_tokens`, of scored texts, holds for some positions the likeliest next tokens, best first: pairs of token id and log-probability in nats.
    `replies` are the generated replies that `score` is the mean of, `answer` that of the first; None if they were not recorded. It is written only if
    there are some, so that measurements made before it keep their digests.
    `right` is the place of the right option among `log_probabilities`, None if there is none or more than one. Written as `replies` are.
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
    replies: list[Reply] | None = Field(default=None, exclude_if=lambda value: value is None)
    right: int | None = Field(default=None, exclude_if=lambda value: value is None)


class Agreement(Record):
    """The agreement of a judge with humans on a task: share of `n` replies with its 95 % Wilson interval, and Cohen's kappa (None: not known)."""

    source: str
    n: int
    accuracy: float
    interval: tuple[float, float]
    kappa: float | None


class Conditions(Record):
    """Everything that must be equal before two measurements may be compared; `dtype` is that of the computation, not of the file.

    `template_arguments` are those of the chat template (`enable_thinking`), `replies` is the number of replies per item; both are written only if they
    are not the default, so that measurements made before them keep their digests.
    """

    benchmark: str
    dataset: str
    metric: str
    template_arguments: dict[str, Any] = Field(default={}, exclude_if=lambda value: not value)
    replies: int = Field(default=1, exclude_if=lambda value: value == 1)
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

    `artifact` is the fingerprint of the weights, `evaluated_by` the backend that evaluated them or the command that served them.

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
    evaluated_by: str = "hf"
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

    def same_model(self, other: Measurement) -> bool:
        """Return True if both are of the same weights, evaluated by the same backend or command: any difference is noise then."""
        return (self.artifact, self.evaluated_by) == (other.artifact, other.evaluated_by)
