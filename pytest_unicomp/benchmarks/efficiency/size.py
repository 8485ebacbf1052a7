"""Bytes of an artifact's weight files: what is stored and shipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.records import Artifact, Dimension


@dataclass(frozen=True)
class WeightBytes:
    """The sum of the sizes of the weight files, in bytes, as the artifact's record states it."""

    kind: Literal["size"] = "size"
    dimension: Dimension = "efficiency"
    capability: str = "inference_footprint"
    dataset: str = ""
    metric: str = "bytes"
    higher_is_better: bool = False
    shots: int = 0
    sets: tuple[str, ...] = ("nano", "efficiency")
    source: str = "the artifact's files"

    def validate(self, evaluation: Evaluation) -> None:
        """Nothing can be missing."""

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """The artifact says it all."""
        return {}

    def details(self, artifact: Artifact, evaluation: Evaluation) -> dict[str, float | None]:
        """Return parameters and bits per weight."""
        parameters = None if artifact.parameters is None else float(artifact.parameters)
        return {"parameters": parameters, "bits_per_weight": artifact.bits_per_weight}

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float:
        """Return the bytes of the weight files."""
        if artifact.bytes is None:
            raise InfrastructureError(f"unicomp: {artifact.recipe} has no weight files here, so its bytes cannot be counted.")
        return float(artifact.bytes)


BENCHMARKS = {"bytes": WeightBytes()}
