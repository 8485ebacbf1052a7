"""What making the artifact cost, from its own record: seconds, peak memory, tokens trained on, energy where the device counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.records import Artifact, Dimension


@dataclass(frozen=True)
class CompressionCost:
    """One field of the artifact's record. The reference was not compressed, so there is no ratio: a limit in a unit decides, and without one
    the number informs. An artifact made elsewhere has what the unicomp.json beside its weights says."""

    field: Literal["compress_seconds", "compress_peak_bytes", "training_tokens", "compress_joules"]
    metric: str
    unknown: str
    kind: Literal["size"] = "size"
    # Nothing of the reference's to compare with.
    alone: bool = True
    dimension: Dimension = "efficiency"
    capability: str = "compute_cost"
    dataset: str = ""
    higher_is_better: bool = False
    shots: int = 0
    sets: tuple[str, ...] = ("nano", "efficiency")
    source: str = "the artifact's own record"

    def validate(self, evaluation: Evaluation) -> None:
        """Nothing can be missing."""

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """The artifact says it all."""
        return {}

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float | None:
        """Return the number, or None where the record does not have it."""
        found = getattr(artifact, self.field)
        return None if found is None else float(found)


BENCHMARKS = {
    "compress-seconds": CompressionCost("compress_seconds", "seconds", "no record says how long it took"),
    "compress-peak-memory": CompressionCost("compress_peak_bytes", "bytes", "no record says what memory it took"),
    "compress-tokens": CompressionCost("training_tokens", "tokens", "nothing was trained", sets=("efficiency",)),
    "compress-energy": CompressionCost(
        "compress_joules", "joules", "no counter of energy (NVML) on the device that made it", sets=("efficiency",)
    ),
}
