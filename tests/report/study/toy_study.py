"""Makes reports of several models with scores of known value, as files and as sources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pytest_unicomp.api.records import RecipeVerdict, Report
from pytest_unicomp.report import write
from pytest_unicomp.report.study.sources import Source, sources
from tests.report import toy_report

SCORES = {"S_K": 96.0, "S_R": 60.0}


def scored(row: RecipeVerdict, scores: dict[str, float], width: float = 2.0) -> RecipeVerdict:
    """The recipe with these scores, each with an interval of `width` to both sides."""
    intervals = {name: (value - width, value + width) for name, value in scores.items()} if width else {}
    return row.model_copy(update={"scores": dict(scores), "score_intervals": intervals, "score_basis": dict.fromkeys(scores, "toy")})


def report(
    model: str,
    parameters: int,
    recipes: dict[str, dict[str, float]] | None = None,
    *,
    losses: dict[str, float] | None = None,
    width: float = 2.0,
    **policy: Any,
) -> Report:
    """A report of one model with the scores of each recipe."""
    rows = []
    for name, scores in (recipes or {"gptq-w4a16": SCORES}).items():
        family = "pruning" if name.startswith(("wanda", "sparsegpt")) else "quantization"
        kept = losses or {"knowledge": 0.02, "reasoning": 0.2, "language_modeling": 0.1}
        row, checks = toy_report.judge_recipe(name, family, True, kept, bits=4.5, seed=1)
        rows.append((scored(row, scores, width), checks))
    made = toy_report.report(rows)
    assert made.reference is not None
    reference = made.reference.model_copy(update={"model": model, "fingerprint": model.encode().hex()[:16], "parameters": parameters})
    return made.model_copy(update={"reference": reference, "policy": {**made.policy, "confidence": 0.9, **policy}})


def files(folder: Path, *reports: Report) -> list[Path]:
    """The reports as files r1.json, r2.json, ..."""
    paths = [folder / f"r{number}.json" for number in range(1, len(reports) + 1)]
    for made, path in zip(reports, paths, strict=True):
        write(made, path)
    return paths


def sourced(folder: Path, *reports: Report) -> list[Source]:
    """The reports as a study reads them."""
    return sources(files(folder, *reports))
