"""Makes studies and reports of which the answer to each claim is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pytest_unicomp.api.records import Report
from pytest_unicomp.report.study.findings.finding import Finding
from pytest_unicomp.report.study.records import ScoreCell, Study, StudyCell, StudyModel
from pytest_unicomp.report.study.sources import Source
from tests.report import toy_report

Z = 1.6448536
ERROR = 2.0


def seen(truth: float, rng: np.random.Generator, error: float = ERROR) -> ScoreCell:
    """A score measured with a normal error, and its 90 % interval."""
    value = truth + rng.normal(0, error)
    return ScoreCell(value=value, interval=(value - Z * error, value + Z * error))


def study(truths: Mapping[str, Mapping[str, Mapping[str, float]]], rng: np.random.Generator, **known: Any) -> Study:
    """A study in which `truths[model][recipe][score]` were measured; the score `quality` is the cell's quality. Sizes grow tenfold by model."""
    error = known.get("error", ERROR)
    cells = []
    for model, recipes in truths.items():
        for recipe, scores in recipes.items():
            measured = {name: seen(truth, rng, error) for name, truth in scores.items()}
            quality = measured.pop("quality", None)
            cells.append(
                StudyCell(
                    model=model,
                    recipe=recipe,
                    family=known.get("families", {}).get(recipe, "quantization"),
                    verdict="pass",
                    scores=measured,
                    kept=[],
                    perplexities=[],
                    quality=quality,
                )
            )
    models = [
        StudyModel(name=name, file="", fingerprint=name, parameters=10 ** (place + 6), bytes=1000) for place, name in enumerate(truths)
    ]
    recipes = {cell.recipe: cell.family for cell in cells}
    return Study(confidence=0.9, models=models, recipes=recipes, cells=cells, differing=[], shared=[])


def rate(answer: str, times: int, once: Callable[[np.random.Generator], Finding]) -> float:
    """How often the answer comes out in simulated studies."""
    return sum(once(np.random.default_rng(seed)).answer == answer for seed in range(times)) / times


def report(rows: Sequence[tuple[str, str, float, dict[str, Any]]]) -> Report:
    """A report of recipes (name, family, time over the reference's, settings); the reference's weights are as large as an 8-bit recipe's."""
    made = []
    for name, family, ratio, settings in rows:
        row, _ = toy_report.judge_recipe(name, family, True, {"knowledge": 0.01}, bits=8, seed=1)
        row = row.model_copy(update={"settings": settings, "artifact": row.artifact.model_copy(update=settings.pop("artifact", {}))})
        made.append((row, [toy_report.latency(name, True, family, "decode-latency", ratio)]))
    return toy_report.report(made)


def source(made: Report, name: str = "m") -> Source:
    assert made.reference is not None
    return Source(name, f"{name}.json", made, made.reference)


def nothing() -> Study:
    """A study without cells, for claims that read reports alone."""
    return study({"m": {}}, np.random.default_rng(0))
