"""Bytes of an artifact's weight files, as they are stored and shipped."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.api.benchmark import Evaluation, SizeBenchmark
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Artifact
from pytest_unicomp.api.vocabulary import NANO_DEFAULT


@dataclass(frozen=True, kw_only=True)
class WeightBytes(SizeBenchmark):
    """The sum of the sizes of the weight files, in bytes, from the artifact's record."""

    capability: str = "inference_footprint"
    metric: str = "bytes"
    sets: tuple[str, ...] = ("nano", NANO_DEFAULT, "efficiency")
    source: str = "the artifact's files"

    def details(self, artifact: Artifact, evaluation: Evaluation) -> dict[str, float | None]:
        """Return parameters and bits per weight."""
        parameters = None if artifact.parameters is None else float(artifact.parameters)
        return {"parameters": parameters, "bits_per_weight": artifact.bits_per_weight}

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float:
        """Return the bytes of the weight files; raise InfrastructureError if the artifact has none on this machine."""
        if artifact.bytes is None:
            raise InfrastructureError(f"unicomp: {artifact.recipe} has no weight files here, so its bytes cannot be counted.")
        return float(artifact.bytes)


BENCHMARKS = {"bytes": WeightBytes()}
