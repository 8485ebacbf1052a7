"""The cost of making the artifact, from its own record: seconds, peak memory, tokens trained on, energy if the device counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api.benchmark import CostBenchmark, Evaluation
from pytest_unicomp.api.records import Artifact
from pytest_unicomp.api.vocabulary import NANO_DEFAULT


@dataclass(frozen=True, kw_only=True)
class CompressionCost(CostBenchmark):
    """One field of the artifact's record; for a checkpoint made elsewhere, of the unicomp.json in its folder."""

    recorded: Literal["compress_seconds", "compress_peak_bytes", "training_tokens", "compress_joules"]
    sets: tuple[str, ...] = ("nano", NANO_DEFAULT, "efficiency")
    source: str = "the artifact's own record"

    def size(self, artifact: Artifact, evaluation: Evaluation) -> float | None:
        """Return the number, or None if the record does not have it."""
        found = getattr(artifact, self.recorded)
        return None if found is None else float(found)


BENCHMARKS = {
    "compress-seconds": CompressionCost(recorded="compress_seconds", metric="seconds", unknown="no record says how long it took"),
    "compress-peak-memory": CompressionCost(recorded="compress_peak_bytes", metric="bytes", unknown="no record says what memory it took"),
    "compress-tokens": CompressionCost(recorded="training_tokens", metric="tokens", unknown="nothing was trained", sets=("efficiency",)),
    "compress-energy": CompressionCost(
        recorded="compress_joules",
        metric="joules",
        unknown="no counter of energy (NVML) on the device that made it",
        sets=("efficiency",),
    ),
}
