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
    """One plot of a recipe: `models` in the order of their lines."""

    recipe: str
    models: tuple[str, ...]
    plot: Markup


def radar_figures(study: Study) -> list[RadarFigure]:
    """Return the plots of all recipes that have a score, all on one scale; a recipe of more than LINES models has several."""
    rim = radar.rim_of(score.value for cell in study.cells for score in cell.scores.values())
    found: list[RadarFigure] = []
    for recipe in study.recipes:
        cells = [cell for model in study.models if (cell := study.cell(model.name, recipe)) is not None and cell.scores]
        for start in range(0, len(cells), LINES):
            found.append(_figure(recipe, cells[start : start + LINES], rim, f"study-radar-{len(found) + 1}"))
    return found


def _figure(recipe: str, cells: Sequence[StudyCell], rim: float, name: str) -> RadarFigure:
    sheet = Sheet(radar.WIDTH, radar.HEIGHT)
    radar.axes(sheet, [score for score in SCORES if any(score in cell.scores for cell in cells)], rim)
    for line, cell in enumerate(cells, start=1):
        values = {score: found.value for score, found in cell.scores.items()}
        radar.polygon(sheet, values, {}, rim, series=f"s{line}", filled=False)
    title = f"Scores of {recipe} by model, in percent of the reference"
    return RadarFigure(recipe, tuple(cell.model for cell in cells), sheet.markup("radar", name, title, _described(cells)))


def _described(cells: Sequence[StudyCell]) -> str:
    """Return the text alternative of a plot."""
    return "; ".join(
        f"{cell.model}: " + ", ".join(f"{words.SCORES[name]} {cell.scores[name].value:.1f}" for name in SCORES if name in cell.scores)
        for cell in cells
    )
