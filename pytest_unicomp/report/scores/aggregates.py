"""Recomputes the paper's printed aggregates from its other printed numbers: sub-scores, means over languages, scores and cells printed twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pytest_unicomp.benchmarks.performance.global_mmlu import HIGH, LOW
from pytest_unicomp.report.scores.formulas import GROUPS, RELIABILITY, retention
from pytest_unicomp.report.scores.published import BASE, MODELS, cells, folder, row_of, tables

LANGUAGES = {"LLaMA-3.1-8B": "LLaMA-3-8B", "Qwen2.5-7B": "Qwen-2.5-7B"}
# Rows of the calibration table that repeat rows of the first one.
REPEATED = {"Baseline": "Baseline", "SparseGPT default": "SparseGPT 50%", "AWQ default": "AWQ INT4"}

# Cells in which Table 1 differs from Table 6; the stored tables have the values of Table 6.
FIRST_TABLE = {("LLaMA-3.1-8B", "SparseGPT 50%", "MMLU"): 48.33}


@dataclass(frozen=True)
class Aggregate:
    """A printed number and its value recomputed from other printed numbers; printed with `digits` decimals."""

    model: str
    row: str
    cell: str
    printed: float
    recomputed: float
    digits: int = 2

    @property
    def follows(self) -> bool:
        """Return True if both agree to the last printed digit; an exact half may be rounded either way."""
        return bool(abs(self.printed - self.recomputed) <= 0.5 / 10**self.digits + 1e-9)


@cache
def aggregates() -> tuple[Aggregate, ...]:
    """Return every aggregate of both models, in the order of the tables."""
    return tuple(
        found for model in MODELS for part in (_sub_scores, _repeated_scores, _languages, _repeated_cells) for found in part(model)
    )


@cache
def exceptions() -> tuple[Mapping[str, Any], ...]:
    """Return the known aggregates that differ from the recomputed value: {"model", "row", "cell", "printed", "recomputed", "why"}."""
    found: list[Mapping[str, Any]] = json.loads((folder() / "exceptions.json").read_text(encoding="utf-8"))["aggregates"]
    return tuple(found)


def _sub_scores(model: str) -> Iterator[Aggregate]:
    for row, values in cells(model).items():
        for group in (group for groups in GROUPS.values() for group in groups if group.printed is not None):
            printed, mean = values.get(str(group.printed)), group.mean(values)
            if printed is not None and mean is not None:
                yield Aggregate(model, row, str(group.printed), printed, round(mean, 4))


def _repeated_scores(model: str) -> Iterator[Aggregate]:
    """Yield the scores that Tables 11 to 16 print beside the cells of each dimension."""
    rows = cells(model)
    for row, values in rows.items():
        for score in RELIABILITY:
            printed, found = values.get(score), retention(GROUPS[score], values, rows[BASE], paper=True)
            if printed is not None and found is not None:
                yield Aggregate(model, row, f"{score} of its own table", printed, round(found, 4))


def _languages(model: str) -> Iterator[Aggregate]:
    table = tables()["table5_global_mmlu_lite"]
    rows = {label: dict(zip(table["columns"], values, strict=True)) for label, values in table[LANGUAGES[model]].items()}
    base = rows[BASE]
    for label, values in rows.items():
        row = row_of(label, cells(model))
        for languages, mean, ratio in ((HIGH, "AVG_H", "S_H"), (LOW, "AVG_L", "S_L")):
            found = sum(values[language] for language in languages) / len(languages)
            yield Aggregate(model, row, mean, values[mean], round(found, 4))
            if values[ratio] is not None:
                yield Aggregate(model, row, ratio, values[ratio], round(values[mean] / base[mean], 4))
        everything = sum(values[language] for language in (*HIGH, *LOW)) / len((*HIGH, *LOW))
        yield Aggregate(model, row, "G-MMLU-Lite", float(cells(model)[row]["G-MMLU-Lite"] or 0), round(everything, 4))


def _repeated_cells(model: str) -> Iterator[Aggregate]:
    """Yield the cells that Table 1 and the calibration table print again; the value of Table 6 counts as recomputed."""
    for (name, row, column), value in FIRST_TABLE.items():
        if name == model:
            yield Aggregate(model, row, f"{column} of Table 1", value, float(cells(model)[row][column] or 0))
    table = tables()["table10_calibration"]
    for label, row in REPEATED.items():
        for column, value in zip(
            table["columns"], table[next(name for name in table if name in (model, LANGUAGES[model]))][label], strict=True
        ):
            yield Aggregate(model, row, f"{column} of Table 10", value, float(cells(model)[row][column] or 0))
