"""Finds methods and benchmarks: every module under `methods/` and `benchmarks/` that ends in a table, and the same from entry points."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from pytest_unicomp.errors import UsageProblem, nearest
from pytest_unicomp.records import Agreement, Artifact, CalibrationText, Dimension, Family, Item

Progress = Callable[[str], None]
Kind = Literal["items", "size", "latency", "kernel"]
# Modules whose package has another name. Somebody else's package may bear the module's: awq is not AutoAWQ.
PACKAGES = {"awq": "autoawq", "compressed_tensors": "compressed-tensors"}


@dataclass(frozen=True)
class Calibration:
    """Texts for a calibrated method: plain documents, cut to `tokens` tokens by the method; `record` is what the report shows.

    `more(samples)`, where there is one, draws that many samples of the same mixture, or all that it holds: for methods that train.
    """

    texts: tuple[str, ...]
    tokens: int
    record: CalibrationText
    more: Callable[[int], Calibration] | None = field(default=None, compare=False)


class Method(Protocol):
    """A compression technique with its settings: a frozen dataclass whose fields are the settings."""

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
        """Say in one phrase why this method cannot do a model with this config.json, or None where it can; cheap, imports nothing heavy."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that shapes the artifact, as JSON values."""
        ...

    def compress(
        self,
        source: Path,
        destination: Path,
        calibration: Calibration | None,
        *,
        seed: int,
        device: str,
        progress: Progress,
        scratch: Path,
    ) -> None:
        """Read the checkpoint folder `source` and write an ordinary checkpoint (safetensors, config, tokenizer) into the empty folder `destination`.

        `scratch` is a folder of this artifact alone that outlives a kill: a long method keeps there what it resumes from. It is removed when
        the artifact is whole.
        """
        ...


@dataclass(frozen=True)
class Evaluation:
    """How to evaluate: items per benchmark (None = all), seed of the item order, offline bundle, device such as "cpu" or "cuda:0", dtype name;
    `only` names the items that are wanted of those (None = all of them). For sets that read replies: the paper's `scoring` or the corrected one,
    the `judge` and the `similarity` model as the options name them, `response_length` in tokens, `temperature` (a number, or "paper")."""

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


# What is found: in which package, in which table of its modules, and under which group of entry points outside.
PLACES = {
    "recipe": ("pytest_unicomp.methods", "RECIPES", "pytest_unicomp.methods"),
    "mixture": ("pytest_unicomp.calibration", "MIXTURES", "pytest_unicomp.mixtures"),
    "benchmark": ("pytest_unicomp.benchmarks", "BENCHMARKS", "pytest_unicomp.benchmarks"),
}
T = TypeVar("T")


@dataclass(frozen=True)
class Table(Mapping[str, T]):
    """Names to methods or benchmarks, in a stable order; looking up an unknown name says which names are near."""

    what: str
    command: str | None
    entries: Mapping[str, T]

    def __getitem__(self, name: str) -> T:
        """Return the entry, or raise UsageProblem that names the nearest ones."""
        if name not in self.entries:
            known = f"`unicomp {self.command}` lists all." if self.command else f"Known: {', '.join(self.entries)}."
            raise UsageProblem(f"unicomp: no {self.what} named {name!r}.{nearest(name, self.entries)} {known}")
        return self.entries[name]

    def __contains__(self, name: object) -> bool:
        """Say whether there is an entry of that name."""
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.entries)

    def __len__(self) -> int:
        """Count the names."""
        return len(self.entries)


def tables(what: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (module or entry point, table) of every file with a "recipe", "mixture" or "benchmark": ours in order of their names, then strangers'."""
    return _tables(*PLACES[what])


def _tables(package: str, attribute: str, group: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (origin, table) for every module of `package` that has the table, then for every entry point of `group`."""
    root = importlib.import_module(package)
    for module in sorted(pkgutil.walk_packages(root.__path__, package + "."), key=lambda found: found.name):
        table = getattr(importlib.import_module(module.name), attribute, None)
        if table is not None:
            yield module.name, table
    for point in sorted(entry_points(group=group), key=lambda found: found.name):
        loaded = point.load()
        yield f"entry point {point.name}", getattr(loaded, attribute, loaded)


def _collect(what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, table in tables(what):
        for name, entry in table.items():
            if name in found:
                raise UsageProblem(f"unicomp: {what} {name!r} is defined twice, in {origins[name]} and in {origin}; rename one of them.")
            found[name], origins[name] = entry, origin
    return found


@cache
def methods() -> Table[Method]:
    """All recipes by name: a recipe is a named setting of a method."""
    return Table("recipe", "methods", _collect("recipe"))


@cache
def mixtures() -> Table[Any]:
    """All mixtures of calibration text by name; each is a `pytest_unicomp.calibration.request.Mixture`."""
    return Table("mixture", None, _collect("mixture"))


@cache
def benchmarks() -> Table[Benchmark]:
    """All benchmarks by name."""
    return Table("benchmark", "benchmarks", _collect("benchmark"))


def package(module: str) -> str:
    """Return the name under which a package index knows a module: what a person types behind `pip install`."""
    return PACKAGES.get(module, module)


def missing_libraries(names: Sequence[str]) -> list[str]:
    """Return the packages of those modules in `names` that cannot be imported here; nothing is imported."""
    return [package(name) for name in names if importlib.util.find_spec(name) is None]
