"""Draws the radar plots of a study: one per recipe, with a line per model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import radar, words
from pytest_unicomp.report.plots import Sheet
from pytest_unicomp.report.study.records import Study, StudyCell

# Lines that can be told apart in one plot; the style sheet has as many.
LINES: Final = 4


@dataclass(frozen=True)
class RadarFigure:
    """One plot of a recipe: `lines` are (number of the line, model), and a model has the same line in every plot."""

    recipe: str
    lines: tuple[tuple[int, str], ...]
    plot: Markup


def radar_figures(study: Study) -> list[RadarFigure]:
    """Return the plots of all recipes that have a score, all on one scale; a recipe of more than LINES models has several."""
    rim = radar.rim_of(score.value for cell in study.cells for score in cell.scores.values())
    found: list[RadarFigure] = []
    for recipe in study.recipes:
        for lines in lines_of(study, recipe):
            scored = [(line, cell) for line, cell in lines if cell.scores]
            if scored:
                found.append(_figure(recipe, scored, rim, f"study-radar-{len(found) + 1}"))
    return found


def lines_of(study: Study, recipe: str) -> list[list[tuple[int, StudyCell]]]:
    """Return the cells of a recipe with the number of their model's line, in groups of at most LINES that share a plot."""
    groups = [study.models[start : start + LINES] for start in range(0, len(study.models), LINES)]
    return [
        [(line, cell) for line, model in enumerate(group, start=1) if (cell := study.cell(model.name, recipe)) is not None]
        for group in groups
    ]


def _figure(recipe: str, lines: Sequence[tuple[int, StudyCell]], rim: float, name: str) -> RadarFigure:
    cells = [cell for _, cell in lines]
    sheet = Sheet(radar.WIDTH, radar.HEIGHT)
    radar.axes(sheet, [score for score in SCORES if any(score in cell.scores for cell in cells)], rim)
    for line, cell in lines:
        values = {score: found.value for score, found in cell.scores.items()}
        radar.polygon(sheet, values, {}, rim, series=f"s{line}", filled=False)
    title = f"Scores of {recipe} by model, in percent of the reference"
    return RadarFigure(recipe, tuple((line, cell.model) for line, cell in lines), sheet.markup("radar", name, title, _described(cells)))


def _described(cells: Sequence[StudyCell]) -> str:
    """Return the text alternative of a plot."""
    return "; ".join(
        f"{cell.model}: " + ", ".join(f"{words.SCORES[name]} {cell.scores[name].value:.1f}" for name in SCORES if name in cell.scores)
        for cell in cells
    )
