"""One recipe's radar plot, drawn from given scores."""

from __future__ import annotations

from pytest_unicomp.report import radar
from pytest_unicomp.report.matrix import matrix
from tests.report import toy_report


def drawn(
    scores: dict[str, float | None],
    intervals: dict[str, tuple[float, float]] | None = None,
    name: str = "r",
    bases: dict[str, str] | None = None,
) -> radar.Radar:
    recipe, checks = toy_report.judge_recipe(name, "pruning", True, {"knowledge": 0.0}, bits=4, seed=0)
    recipe = recipe.model_copy(update={"scores": scores, "score_intervals": intervals or {}, "score_basis": bases or {}})
    report = toy_report.report([(recipe, checks)])
    (found,) = radar.radars(report, matrix(report).rows)
    return found
