"""The three efficiency scores of a run: each recipe relative to the best of the run's recipes and the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_unicomp.api.records import Artifact, Check
from pytest_unicomp.report.scores.formulas import EFFICIENCY_COLUMNS, efficiency

# Which benchmark of a run fills which column of the paper's efficiency table.
COLUMNS = {
    "throughput": "throughput_tok_s",
    "generation-latency": "latency_ms",
    "peak-memory": "gpu_mem_GB",
    "bytes": "size_GB",
    "flops": "flops_T",
}
REFERENCE = "reference"


def efficiency_scores(checks: Sequence[Check], artifacts: Mapping[str, Artifact | None]) -> dict[str, dict[str, float | None]]:
    """Return {recipe: {score: value}}; None if a column was not measured. The pool is the run's recipes and, except for compute cost, the reference.

    Source: arXiv 2602.09130, section 3.4. Scores are relative to the pool, so one more recipe may change every score.
    """
    rows: dict[str, dict[str, float | None]] = {REFERENCE: {}}
    for check in checks:
        column = COLUMNS.get(check.benchmark)
        if column is not None and check.question == "efficiency" and check.verdict != "error":
            rows.setdefault(check.recipe, {})[column] = _read(check.benchmark, check.candidate.value)
            rows[REFERENCE].setdefault(column, _read(check.benchmark, check.reference.value))
    for recipe, artifact in artifacts.items():
        if artifact is not None:
            row = rows.setdefault(recipe, {})
            # An uncompressed model cost 0, which has no ratio, so it is not in this pool.
            row["compress_time"] = artifact.compress_seconds or None
            row["compress_mem_GB"] = artifact.compress_peak_bytes or None
    found: dict[str, dict[str, float | None]] = {recipe: {} for recipe in artifacts}
    for score, columns in EFFICIENCY_COLUMNS.items():
        pool = {recipe: row for recipe, row in rows.items() if score != "S_CC" or recipe != REFERENCE}
        for recipe, value in efficiency(pool, columns).items():
            if recipe in found:
                found[recipe][score] = value
    return found


def _read(benchmark: str, value: float | None) -> float | None:
    """Return a value in the column's unit: throughput is measured in seconds per token, the column has tokens per second."""
    return value if benchmark != "throughput" or not value else 1 / value
