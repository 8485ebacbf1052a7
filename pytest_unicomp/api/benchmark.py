"""The contract of a benchmark: one base class per kind, with every field and method that the stages use.

A benchmark extends the class of its kind, overrides what differs, and is an entry of its module's table `BENCHMARKS`; the classes here define the
defaults.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from pytest_unicomp.api.records import Agreement, Artifact, Item
from pytest_unicomp.api.vocabulary import CAPABILITIES, Dimension

Kind = Literal["items", "size", "latency", "kernel"]


@dataclass(frozen=True)
class Evaluation:
    """The options that shape a measurement, under the names of the options.

    `limit` is the number of items per benchmark (None = all), `seed` that of the item order, `device` a name such as "cpu" or "cuda:0"; `only`
    holds the ids of the items that are wanted of those (None = all of them), and is no option. For sets that read replies: `scoring`, `judge`,
    `similarity`, `response_length` in tokens, `temperature` (a number as text, or "paper"). For all that generate: `template_arg` (KEY=JSON),
    `think_end_token`, `max_gen_toks` (a number as text, or "model"; one at most once the benchmark is known), `sampling`, `replies` per item.
    `run_code` allows benchmarks to run code that a model wrote. An option that shapes a measurement and has no field here is a field of the
    object that a run hands over all the same.
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
    run_code: bool = False
    template_arg: tuple[str, ...] = ()
    think_end_token: str | None = None
    max_gen_toks: tuple[str, ...] = ()
    sampling: Literal["benchmark", "model"] = "benchmark"
    replies: int = 1


@dataclass(frozen=True)
class Scored:
    """The result of a benchmark of kind "items": the items, the chance level (None if the metric has none) and the prompt template and generation settings.

    `unanswered` counts the items whose reply could not be parsed, `unjudged` those for which the judge failed; `unavailable` is the reason why
    nothing could be scored on this machine; `floors` are the scores of constant answers on the same items.
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


class ItemTokens(NamedTuple):
    """The typical number of tokens of one item: those that a model reads, and those that it writes."""

    read: float
    written: float


@dataclass(frozen=True)
class ItemText:
    """The prompt of one item without its few-shot examples.

    `generated` marks text made from templates: its parts recur in many items, so only the whole text identifies an item.
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

    `capability` and `metric` appear in the report, `dataset` and `source` name the origin of the data, and `sets` are the groups through which
    `--unicomp-benchmark` selects it. `only_model`: its data belong to this model, so a set skips it for every other model.
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
        """Return the way in which items are scored, as a phrase for the report."""
        return ""

    def validate(self, evaluation: Evaluation) -> None:  # noqa: B027 - nothing is missing by default
        """Raise UsageProblem if the data or a library is missing; cheap, called before anything runs."""

    @abstractmethod
    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return everything besides the artifact that shapes the result (prompts, settings, the data's digest as "dataset"), as JSON values.

        Imports nothing heavy. If it changes, the measurement is repeated.
        """

    def substitution(self, evaluation: Evaluation) -> str | None:
        """Return a phrase that names the data used in place of data that the bundle lacks; None if it lacks none."""
        return None


@dataclass(frozen=True, kw_only=True)
class ItemBenchmark(Benchmark):
    """A benchmark that scores items.

    `items` is the size of the whole set and `chance` what a blind guess scores on it, None if that is known after the run only; `judge` is the task
    of the judge for its replies (None: no judge).
    """

    kind: ClassVar[Kind] = "items"
    items: int | None = None
    chance: float | None = None
    judge: str | None = None

    @property
    def reads_likelihoods(self) -> bool:
        """Return True if it scores given text by its log-probabilities; an engine that generates alone, such as a chat endpoint, is refused then."""
        return False

    @property
    def runs_code(self) -> bool:
        """Return True if it runs code that a model wrote; the option `run_code` must allow that."""
        return False

    @abstractmethod
    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        """Evaluate the loaded model (`pytest_unicomp.engine.Engine`) and return one Item per evaluated item."""

    def questions(self, evaluation: Evaluation) -> Iterable[ItemText]:
        """Yield the prompt of every item, regardless of `limit`, for the search of calibration text for leaked questions. Loads no model; empty by default."""
        return ()

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return the tokens of a typical item, from which a run's duration is estimated before it starts; right within a factor of two or so."""
        return ItemTokens(100.0, 0.0)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the models, data sets and nltk packages that an offline bundle must hold for it; empty if its data are part of its code."""
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
        """Return the way in which the number is obtained, as a phrase for the report."""
        return "read off the artifact"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the cache key's part for the number; empty if the number is cheap to read and therefore not stored."""
        return {}

    @abstractmethod
    def size(self, artifact: Artifact, evaluation: Evaluation) -> float | None:
        """Return the number."""

    def details(self, artifact: Artifact, evaluation: Evaluation) -> Mapping[str, float | None]:
        """Return further numbers by name for the report; only that of `size` is compared."""
        return {}


@dataclass(frozen=True, kw_only=True)
class CostBenchmark(SizeBenchmark):
    """A cost of compression, which the reference does not have, so an absolute limit decides. `size` returns None if it was not recorded, with the
    reason in `unknown`."""

    capability: str = "compute_cost"
    unknown: str = "no record"


@dataclass(frozen=True, kw_only=True)
class LatencyBenchmark(Benchmark):
    """A benchmark that times the loaded model in rounds, alternating with rounds of the reference (paired timing)."""

    kind: ClassVar[Kind] = "latency"
    capability: str = "runtime_acceleration"
    metric: str = "seconds"
    higher_is_better: bool = False

    @property
    def scorer(self) -> str:
        """Return the way in which the number is obtained, as a phrase for the report."""
        return "timed beside the reference, in alternating rounds"

    @property
    def counted_tokens(self) -> int:
        """Return the number of tokens that divides the seconds of a round; 1 if the metric is seconds per round."""
        return 1

    @property
    def written_tokens(self) -> int:
        """Return the number of tokens that a round generates sequentially; a limit "per token" divides by it."""
        return 1

    @abstractmethod
    def prepare(self, engine: Any) -> Callable[[], float | None]:
        """Return a function without arguments that runs one round and synchronizes the device. If it returns seconds, those count, else its wall time."""

    def launching_share(self, engine: Any) -> float | None:
        """Return the share, in [0, 1], of one forward pass of a round that the host spends launching kernels; None if the device is no GPU of this host."""
        return None


@dataclass(frozen=True, kw_only=True)
class KernelBenchmark(Benchmark):
    """A benchmark that times linear layers of the reference's shapes by themselves; it informs and never gates."""

    kind: ClassVar[Kind] = "kernel"
    capability: str = "runtime_acceleration"
    metric: str = "seconds per token"
    higher_is_better: bool = False

    @property
    def scorer(self) -> str:
        """Return the way in which the number is obtained, as a phrase for the report."""
        return "timed layer by layer, beside dense"

    @abstractmethod
    def missing(self, device: str) -> str | None:
        """Return why a device ("cpu", "cuda:N") has no such kernel, in one phrase, or None."""

    @abstractmethod
    def prepare(self, folder: Path, device: str) -> Any:
        """Return the paired rounds (dense and kernel) for a checkpoint folder, with the facts of each layer, such as its shape, next to its seconds."""
