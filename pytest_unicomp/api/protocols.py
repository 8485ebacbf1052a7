"""The contracts of extensions: methods and benchmarks (`api/benchmark.py`), with their arguments and results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pytest_unicomp.api.benchmark import Benchmark as Benchmark
from pytest_unicomp.api.benchmark import CostBenchmark as CostBenchmark
from pytest_unicomp.api.benchmark import Evaluation as Evaluation
from pytest_unicomp.api.benchmark import ItemBenchmark as ItemBenchmark
from pytest_unicomp.api.benchmark import ItemText as ItemText
from pytest_unicomp.api.benchmark import KernelBenchmark as KernelBenchmark
from pytest_unicomp.api.benchmark import Kind as Kind
from pytest_unicomp.api.benchmark import LatencyBenchmark as LatencyBenchmark
from pytest_unicomp.api.benchmark import Piece as Piece
from pytest_unicomp.api.benchmark import Scored as Scored
from pytest_unicomp.api.benchmark import SizeBenchmark as SizeBenchmark
from pytest_unicomp.api.records import CalibrationText, Family

Progress = Callable[[str], None]


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
    `scratch` is a private folder of this artifact that survives a kill, for the checkpoints from which a long method resumes. It is removed once
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
        """Return the technique, one word for all recipes that share it."""
        ...

    @property
    def family(self) -> Family:
        """Return the family it belongs to."""
        ...

    @property
    def calibrated(self) -> bool:
        """Return True if it needs calibration text."""
        ...

    @property
    def requires(self) -> tuple[str, ...]:
        """Return the libraries it imports."""
        ...

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """Return in one phrase why this method cannot compress a model with this config.json, or None if it can; cheap, imports nothing heavy."""
        ...

    def settings(self) -> dict[str, Any]:
        """Everything that shapes the artifact, as JSON values."""
        ...

    def for_model(self, config: Mapping[str, Any]) -> Method:
        """Return the method with the settings that a model with this config.json takes, such as a smaller group size; usually itself."""
        ...

    def compress(self, job: CompressionJob) -> None:
        """Write the compressed checkpoint (safetensors, config.json, tokenizer) into `job.destination`."""
        ...
