"""The paper's own rows for the technique of a recipe, so that a model stands beside those of the paper."""

from __future__ import annotations

from pytest_unicomp.report.scores.published import MODELS, Scoring, published

ROWS = {
    "wanda-50": "Wanda 50%",
    "wanda-2of4": "Wanda 2:4",
    "sparsegpt-50": "SparseGPT 50%",
    "sparsegpt-2of4": "SparseGPT 2:4",
    "sparsegpt-2of4-fp8": "SparseGPT 2:4",
    "awq-w4a16": "AWQ INT4",
    "autoawq-w4a16": "AWQ INT4",
    "gptq-w4a16": "GPTQ INT4",
    "minitron-depth": "Minitron-Depth 50%",
    "minitron-width": "Minitron-Width 50%",
    "low-rank-clone": "Low-Rank Clone 43%",
}


def beside(recipe: str, scoring: Scoring) -> dict[str, dict[str, float | None]]:
    """Return {model of the paper: its thirteen scores in this scoring} for a recipe's technique; empty where the paper does not have it.

    A recipe that was made once more with other calibration text ("wanda-50@reasoning") stands beside the same row.
    """
    row = ROWS.get(recipe.partition("@")[0])
    found = {model: published(model, scoring) for model in MODELS} if row is not None else {}
    return {model: rows[row] for model, rows in found.items() if row in rows}
