"""The contracts of what is plugged in: methods, benchmarks, and what they are given and return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from pytest_unicomp.api.records import Agreement, Artifact, CalibrationText, Dimension, Family, Item

Progress = Callable[[str], None]
Kind = Literal["items", "size", "latency", "kernel"]


@dataclass(frozen=True)
class Calibration:
    """Texts for a calibrated method: plain documents, which the method cuts to `tokens` tokens; the report shows `record`.

    `more(samples)`, if given, draws that many samples of the same mixture, or all that it holds: for methods that train.
    """

    texts: tuple[str, ...]
    tokens: int
    record: CalibrationText
    more: Callable[[int], Calibration] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class CompressionJob:
    """One compression: read the checkpoint folder `source`, write an ordinary checkpoint into the empty folder `destination`.

    `calibration` is None for a method that is not calibrated. `device` is "cpu" or "cuda:N". `progress` takes one line for each step.
    `scratch` is a folder of this artifact alone that outlives a kill: a long method keeps there what it resumes from. It is removed once
    the artifact is complete.
    """

    source: Path
    destination: Path
    calibration: Calibration | None
    seed: int
    device: str
    progress: Progress
    scratch: Path


class Method(Protocol):
    """A compression technique with its settings: a frozen dataclass whose fields are the settings.

    `pytest_unicomp.methods.method.CompressionMethod` is a base class that has all of it but `method`, `family` and `compress`.
    """

    @property
    def method(self) -> str:
        """The technique, one word for all recipes that share it."""
        ...

    @property
    def family(self) -> Family:
        """The family it belongs to."""
        ...

    @property
    def calibrated(self) -> bool:
        """Whether it needs calibration text."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """The libraries it imports."""
        ...

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Return in one phrase why this method cannot compress a model with this config.json, or None if it can; cheap, imports nothing heavy."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that shapes the artifact, as JSON values."""
        ...

    def compress(self, job: CompressionJob) -> None:
        """Write the compressed checkpoint (safetensors, config.json, tokenizer) into `job.destination`."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate: the options that shape a measurement, under the names of the options.

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
    """What a benchmark of kind "items" returns: evidence, chance level (None where the metric has none) and how the items were put.

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


class Benchmark(Protocol):
    """Anything that turns an artifact into a measurement: a frozen dataclass; which of the methods below it has depends on `kind`."""

    kind: Kind
    dimension: Dimension
    capability: str
    dataset: str
    metric: str
    higher_is_better: bool
    shots: int
    sets: tuple[str, ...]
    source: str

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem where the data or a library is missing; cheap, called before anything runs."""
        ...

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Everything besides the artifact that shapes the result (prompts, settings, the data's digest as "dataset"), as JSON values; imports nothing heavy."""
        ...


class ItemBenchmark(Benchmark, Protocol):
    """A benchmark that scores items (kind "items")."""

    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        """Evaluate the loaded model (`pytest_unicomp.engine.Engine`) and return one Item per evaluated item."""
        ...


class SizeBenchmark(Benchmark, Protocol):
    """A benchmark that reads a number off the artifact (kind "size").

    Where it has `alone = True` the reference has no such number: a limit in a unit decides, and `unknown` says why there may be none. A method
    `details(artifact, evaluation)` returns numbers by name that stand beside the one that is compared.
    """

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float | None:
        """The number, in the unit that `metric` names; None where `alone` and not known."""
        ...


class LatencyBenchmark(Benchmark, Protocol):
    """A benchmark that times the loaded model (kind "latency")."""

    def prepare(self, engine: Any) -> Callable[[], None]:
        """Return a function of no arguments that performs one timed round, device synchronization included."""
        ...


class KernelBenchmark(Benchmark, Protocol):
    """A benchmark that times linear layers of the reference's shapes by themselves (kind "kernel")."""

    def missing(self, device: str) -> str | None:
        """Say in one phrase why a device ("cpu", "cuda:N") has no such kernel, or None."""
        ...

    def prepare(self, folder: Path, device: str) -> Any:
        """Return rounds of dense and kernel for a checkpoint folder, and what is known of each place beside its seconds."""
        ...
