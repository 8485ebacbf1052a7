"""The contract of a benchmark: one base class per kind, whose fields and methods are all that the stages read of it.

A benchmark extends the class of its kind, overrides what differs, and stands in a table `BENCHMARKS` of its module. What it does not state has the
default that stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pytest_unicomp.api.records import Agreement, Artifact, Item
from pytest_unicomp.api.vocabulary import CAPABILITIES, Dimension

Kind = Literal["items", "size", "latency", "kernel"]


@dataclass(frozen=True)
class Evaluation:
    """The options that shape a measurement, under the names of the options.

    `limit` is the number of items per benchmark (None = all), `seed` that of the item order, `device` a name such as "cpu" or "cuda:0"; `only`
    holds the ids of the items that are wanted of those (None = all of them), and is no option. For sets that read replies: `scoring`, `judge`,
    `similarity`, `response_length` in tokens, `temperature` (a number as text, or "paper"). An option that shapes a measurement and has no
    field here is a field of the object that a run hands over all the same.
    """

    limit: int | None
    seed: int
    bundle: Path | None
    device: str
    dtype: str
    only: frozenset[str] | None = None
    scoring: Literal["paper", "corrected"] = "corrected"
    judge: str = "rules"
    similarity: str = "sentence-transformers/all-MiniLM-L6-v2"
    response_length: int = 128
    temperature: str = "0"
    backend: str = "hf"
    serve: str | None = None


@dataclass(frozen=True)
class Scored:
    """The result of a benchmark of kind "items": the items, the chance level (None if the metric has none) and how the items were put to the model.

    `unanswered` counts the items whose reply could not be read, `unjudged` those that a judge failed on; `unavailable` says why nothing could be
    scored on this machine; `floors` is what constant answers score on the same items.
    """

    items: tuple[Item, ...]
    chance: float | None
    template: str
    generation: Mapping[str, Any]
    engine: str
    scoring: Literal["paper", "corrected"] = "corrected"
    judge: str = "none"
    unanswered: int = 0
    unjudged: int = 0
    unavailable: str | None = None
    floors: Mapping[str, float] = field(default_factory=dict)
    judge_agreement: Agreement | None = None


@dataclass(frozen=True)
class ItemText:
    """The text of one item as it is put to the model, without worked examples before it.

    `generated` marks text that a program writes from a few sentences: its parts recur in many items, and only the whole tells two items apart.
    """

    id: str
    text: str
    generated: bool = False


@dataclass(frozen=True)
class Piece:
    """One thing that an offline bundle holds: a model, a data set or a package of nltk's data; `files` are patterns of its files (empty: all)."""

    kind: Literal["model", "dataset", "nltk"]
    name: str
    files: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Return its folder in the bundle."""
        return "nltk_data" if self.kind == "nltk" else self.name


@dataclass(frozen=True, kw_only=True)
class Benchmark(ABC):
    """Anything that turns an artifact into a measurement; extend the class of its kind below.

    `capability` and `metric` are the words of the report, `dataset` and `source` say where the data are from, `sets` are the names under which
    a run selects it beside its own. `only_model` is the one model whose data these are: a set leaves it out for every other model.
    """

    kind: ClassVar[Kind]
    capability: str
    metric: str
    higher_is_better: bool = True
    shots: int = 0
    dataset: str = ""
    source: str = ""
    sets: tuple[str, ...] = ()
    only_model: str | None = None

    @property
    def dimension(self) -> Dimension:
        """Return the dimension of its capability; a benchmark of a capability that the report does not know states its own."""
        return CAPABILITIES[self.capability]

    @property
    def scorer(self) -> str:
        """Return how it gets its numbers, in one phrase."""
        return ""

    def validate(self, evaluation: Evaluation) -> None:  # noqa: B027 - nothing is missing by default
        """Raise UsageProblem if the data or a library is missing; cheap, called before anything runs."""

    @abstractmethod
    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return everything besides the artifact that shapes the result (prompts, settings, the data's digest as "dataset"), as JSON values.

        Imports nothing heavy. A measurement whose identity changed is made anew.
        """

    def substitution(self, evaluation: Evaluation) -> str | None:
        """Return a phrase on what stands in for data that the bundle lacks, or None."""
        return None


@dataclass(frozen=True, kw_only=True)
class ItemBenchmark(Benchmark):
    """A benchmark that scores items.

    `items` is the size of the whole set and `chance` what a blind guess scores on it, None if that is known after the run only; `judge` is the task
    of the judge that its replies need, None if they need none.
    """

    kind: ClassVar[Kind] = "items"
    items: int | None = None
    chance: float | None = None
    judge: str | None = None

    @property
    def reads_likelihoods(self) -> bool:
        """Return True if it scores given text by its log-probabilities; an engine that generates alone, such as a chat endpoint, is refused then."""
        return False

    @abstractmethod
    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        """Evaluate the loaded model (`pytest_unicomp.engine.Engine`) and return one Item per evaluated item."""

    def questions(self, evaluation: Evaluation) -> Iterable[ItemText]:
        """Yield the text of every item, whatever the limit of the run; calibration text is searched for it. None by default; loads no model."""
        return ()

    def pieces(self) -> tuple[Piece, ...]:
        """Return what a bundle must hold for it; empty if its data come with its code."""
        return ()


@dataclass(frozen=True, kw_only=True)
class SizeBenchmark(Benchmark):
    """A benchmark that reads a number off the artifact, in the unit that `metric` names.

    `measured_once` marks a number that another run would measure differently, such as the memory of a process: it has no spread, and a wider margin.
    """

    kind: ClassVar[Kind] = "size"
    higher_is_better: bool = False
    measured_once: bool = False

    @property
    def scorer(self) -> str:
        """Return how it gets its number, in one phrase."""
        return "read off the artifact"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return nothing if reading the number is so cheap that it is not kept, else what shapes it."""
        return {}

    @abstractmethod
    def size(self, artifact: Artifact, evaluation: Evaluation) -> float | None:
        """Return the number."""

    def details(self, artifact: Artifact, evaluation: Evaluation) -> Mapping[str, float | None]:
        """Return numbers by name that the report shows beside the one that is compared."""
        return {}


@dataclass(frozen=True, kw_only=True)
class CostBenchmark(SizeBenchmark):
    """A number about making the artifact, which the reference does not have: a limit in a unit decides. `size` returns None if nobody recorded it,
    and `unknown` is the phrase that says why."""

    capability: str = "compute_cost"
    unknown: str = "no record"


@dataclass(frozen=True, kw_only=True)
class LatencyBenchmark(Benchmark):
    """A benchmark that times the loaded model, in rounds that alternate with the reference's."""

    kind: ClassVar[Kind] = "latency"
    capability: str = "runtime_acceleration"
    metric: str = "seconds"
    higher_is_better: bool = False

    @property
    def scorer(self) -> str:
        """Return how it gets its number, in one phrase."""
        return "timed beside the reference, in alternating rounds"

    @property
    def counted_tokens(self) -> int:
        """Return by how many tokens the seconds of a round are divided; 1 if the metric is seconds per round."""
        return 1

    @property
    def written_tokens(self) -> int:
        """Return how many tokens a round writes one after another: a limit "per token" divides by them."""
        return 1

    @abstractmethod
    def prepare(self, engine: Any) -> Callable[[], float | None]:
        """Return a function of no arguments that performs one timed round, device synchronization included; its seconds count if it returns some."""


@dataclass(frozen=True, kw_only=True)
class KernelBenchmark(Benchmark):
    """A benchmark that times linear layers of the reference's shapes by themselves; it informs and never gates."""

    kind: ClassVar[Kind] = "kernel"
    capability: str = "runtime_acceleration"
    metric: str = "seconds per token"
    higher_is_better: bool = False

    @property
    def scorer(self) -> str:
        """Return how it gets its number, in one phrase."""
        return "timed layer by layer, beside dense"

    @abstractmethod
    def missing(self, device: str) -> str | None:
        """Return why a device ("cpu", "cuda:N") has no such kernel, in one phrase, or None."""

    @abstractmethod
    def prepare(self, folder: Path, device: str) -> Any:
        """Return rounds of dense and kernel for a checkpoint folder, and what is known of each place beside its seconds."""
