"""Tests the paper's knowledge bias: compression keeps knowledge better than reasoning, other languages and instruction following."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding, difference, mean_of_dependent
from pytest_unicomp.report.study.records import Study, StudyCell

OTHERS: Final = {"S_R": "reasoning", "S_Mul": "other languages", "S_IF": "instruction following"}


def knowledge_bias(study: Study) -> Iterator[Finding]:
    """Yield per other capability the mean over compressed recipes of its distance to knowledge, in points: of each model, and of all."""
    for other, name in OTHERS.items():
        claimed = Claimed(
            claim=f"knowledge is kept better than {name}",
            statistic=f"mean over recipes of S_K - {other}, points",
            needs=f"1 compressed recipe of 1 model with S_K and {other}, each with an interval",
        )
        by_model = {model.name: _differences(study, model.name, other) for model in study.models}
        if len(by_model) > 1:
            found = [one for own in by_model.values() for one in own]
            yield _mean(claimed, "all models", found, sum(bool(own) for own in by_model.values()))
        for model, own in by_model.items():
            yield _mean(claimed, model, own, 1)


def _differences(study: Study, model: str, other: str) -> list[tuple[float, Bounds]]:
    cells = (cell for cell in study.cells if cell.model == model and cell.family != "none")
    return [found for cell in cells if (found := _difference(cell, other)) is not None]


def _difference(cell: StudyCell, other: str) -> tuple[float, Bounds] | None:
    first, second = cell.scores.get("S_K"), cell.scores.get(other)
    if first is None or second is None or first.interval is None or second.interval is None:
        return None
    # They rest on different questions, so that their errors are independent.
    return first.value - second.value, difference(first.value, first.interval, second.value, second.interval)


def _mean(claimed: Claimed, about: str, found: list[tuple[float, Bounds]], models: int) -> Finding:
    if not found:
        return claimed.missing(about, "no recipe has both scores")
    value, bounds = mean_of_dependent([one for one, _ in found], [one for _, one in found])
    return claimed.read(about, value, bounds, recipes=len(found), models=models)
