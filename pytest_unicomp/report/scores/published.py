"""The published tables of arXiv 2602.09130v1, joined by row, and the scores computed from them in both scorings."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.report.scores.formulas import EFFICIENCY_COLUMNS, GROUPS, SCORES, Cells, efficiency, retention
from pytest_unicomp.store.baselines import packaged

Scoring = Literal["paper", "corrected"]
MODELS = ("LLaMA-3.1-8B", "Qwen2.5-7B")
# Other names of the models in the paper, its tables and on the hub.
ALIASES = {
    "llama38b": "LLaMA-3.1-8B",
    "llama318binstruct": "LLaMA-3.1-8B",
    "metallama318b": "LLaMA-3.1-8B",
    "metallama318binstruct": "LLaMA-3.1-8B",
    "qwen257binstruct": "Qwen2.5-7B",
}
BASE = "Baseline"
DETAILS = ("table11_safety", "table12_robustness", "table13_privacy", "table14_ethics", "table15_truthfulness", "table16_fairness")
PRINTED_RELIABILITY = {
    "S_TRU": "Truth",
    "S_SAFE": "Safety",
    "S_FAIR": "Fairness",
    "S_ROB": "Robustness",
    "S_PRI": "Privacy",
    "S_ETH": "Ethics",
}
# The row of Table 1 with the technique of a recipe.
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
SECONDS = {"s": 1, "m": 60, "h": 3600}


def folder() -> Path:
    """Return the folder of the published tables, next to the baselines in the package or the checkout."""
    return packaged() / "published"


@cache
def tables() -> Mapping[str, Any]:
    """Return the paper's numeric tables as printed in v1."""
    found: dict[str, Any] = json.loads((folder() / "tables.json").read_text(encoding="utf-8"))
    return found


@cache
def exceptions() -> tuple[Mapping[str, Any], ...]:
    """Return the known printed scores that differ from those of the printed cells: {"model", "row", "score", "printed", "recomputed", "why"}."""
    found: list[Mapping[str, Any]] = json.loads((folder() / "exceptions.json").read_text(encoding="utf-8"))["exceptions"]
    return tuple(found)


def published(model: str, scoring: Scoring = "paper") -> dict[str, dict[str, float | None]]:
    """Return {row label of Table 1: {score: value}} of a model of the paper, values rounded to four decimals; None if v1 prints no cells.

    `paper` aggregates printed sub-scores and baselines; `corrected` uses the raw cells, leaves out the contaminated jailbreak column, the
    p-values and AdvInstruction, and treats disclosure as lower-is-better. Raises UsageProblem for another model.
    """
    rows = cells(known_as(model))
    found: dict[str, dict[str, float | None]] = {row: {} for row in rows}
    for score, groups in GROUPS.items():
        for row, values in rows.items():
            found[row][score] = retention(groups, values, rows[BASE], paper=scoring == "paper")
    for score, columns in EFFICIENCY_COLUMNS.items():
        # The base model was not compressed, so it is not in the pool of compute cost.
        pool = {row: values for row, values in rows.items() if score != "S_CC" or row != BASE}
        for row, value in efficiency(pool, columns).items():
            found[row][score] = value
    return {row: {score: _rounded(scores.get(score)) for score in SCORES} for row, scores in found.items()}


def published_rows(recipe: str, scoring: Scoring) -> dict[str, dict[str, float | None]]:
    """Return {model of the paper: its thirteen scores} for a recipe's technique; empty if the paper does not have it.

    A recipe made with other calibration text ("wanda-50@reasoning") has the same row.
    """
    row = ROWS.get(recipe.partition("@")[0])
    found = {model: published(model, scoring) for model in MODELS} if row is not None else {}
    return {model: rows[row] for model, rows in found.items() if row in rows}


def known_as(model: str) -> str:
    """Return the paper's name of a model; case, punctuation, an organisation prefix and known aliases are ignored.

    Raises UsageProblem for a model that the paper does not have.
    """
    plain = _plain(model.rpartition("/")[2])
    found = next((name for name in MODELS if _plain(name) == plain), ALIASES.get(plain))
    if found is None:
        raise UsageProblem(f"unicomp: no published scores of {model!r}; the paper has {' and '.join(MODELS)}.{nearest(model, MODELS)}")
    return found


@cache
def cells(model: str) -> Mapping[str, Cells]:
    """Return every printed cell of a model's rows, by the row labels of Table 1; other tables label distilled models differently."""
    main = tables()["table1_6_performance"]
    found: dict[str, dict[str, float | None]] = {row: _named(main["columns"], values) for row, values in main[model].items()}
    for name in DETAILS:
        part = next(rows for label, rows in tables()[name].items() if _plain(label) == _plain(model))
        for label, values in part.items():
            found[row_of(label, found)] |= _named(tables()[name]["columns"], values)
    measured: Mapping[str, Any] = next((rows for name, rows in tables().items() if name.startswith(f"table4_efficiency_{model}")), {})
    for label, values in measured.items():
        if label != "columns" and isinstance(values, list):
            found[row_of(label, found)] |= _named(measured["columns"], values)
    return found


def printed(model: str) -> dict[str, dict[str, float]]:
    """Return the scores as the paper prints them: S_K from Table 1 (a ratio, here times 100), reliability from Table 3, efficiency from Table 4."""
    summary = tables()["table3_reliability"]
    found: dict[str, dict[str, float]] = {}
    for row, values in cells(model).items():
        scores = {score: values.get(score) for score in SCORES if score not in PRINTED_RELIABILITY and score != "S_K"}
        ratio = values["S_K(ratio)"]
        scores["S_K"] = None if ratio is None else 100 * ratio
        if row in summary[model]:
            named = _named(summary["columns"], summary[model][row])
            scores |= {score: named[column] for score, column in PRINTED_RELIABILITY.items()}
        found[row] = {score: value for score in SCORES if (value := scores.get(score)) is not None}
    return found


def row_of(label: str, rows: Mapping[str, Any]) -> str:
    """Return the row of Table 1 for a label of another table: Minitron-Depth-IT is Minitron-Depth 50%, LRC-4B-SFT Low-Rank Clone 43%."""
    plain = label.removesuffix("-IT")
    plain = "Low-Rank Clone" if plain.startswith("LRC") else plain
    return next(row for row in rows if row == plain or row.startswith(f"{plain} "))


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _named(columns: list[str], values: list[Any]) -> dict[str, float | None]:
    return {column: _number(value) for column, value in zip(columns, values, strict=True)}


def _number(value: Any) -> float | None:
    """Read a cell; times such as "4.25m", "16m32s" or "140h*" (an estimate) in seconds."""
    if isinstance(value, str):
        return sum(float(amount) * SECONDS[unit] for amount, unit in re.findall(r"([\d.]+)([smh])", value))
    return None if value is None else float(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
