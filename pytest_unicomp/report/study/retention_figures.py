"""Draws retention by capability: one plot per recipe, with a dot and an interval per capability and model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_unicomp.compare.wording import spoken
from pytest_unicomp.report.plots import Sheet
from pytest_unicomp.report.study.radar_figures import lines_of
from pytest_unicomp.report.study.records import Kept, Study, StudyCell

WIDTH: Final = 360.0
LEFT, RIGHT, BOTTOM, TOP = 144.0, 14.0, 34.0, 8.0
STEP, GAP = 9.0, 9.0
TEXT: Final = 11.0
# In percent of the reference; what lies beyond is drawn at the edge, and the table has its number.
LARGEST: Final = 125.0
TICKS: Final = (0, 25, 50, 75, 100, 125)


@dataclass(frozen=True)
class RetentionFigure:
    """One plot of a recipe: `lines` are (number of the line, model), as in its radar."""

    recipe: str
    lines: tuple[tuple[int, str], ...]
    plot: Markup


def retention_figures(study: Study) -> list[RetentionFigure]:
    """Return the plots of all recipes with a retention; a recipe of more than LINES models has several."""
    found: list[RetentionFigure] = []
    for recipe in study.recipes:
        for lines in lines_of(study, recipe):
            kept = [(line, cell) for line, cell in lines if _shown(cell)]
            if kept:
                found.append(_figure(recipe, kept, f"study-kept-{len(found) + 1}"))
    return found


def _shown(cell: StudyCell) -> list[Kept]:
    return [kept for kept in cell.kept if kept.retention is not None]


def _figure(recipe: str, lines: Sequence[tuple[int, StudyCell]], name: str) -> RetentionFigure:
    cells = [cell for _, cell in lines]
    capabilities = list(dict.fromkeys(kept.capability for cell in cells for kept in _shown(cell)))
    row = STEP * len(cells) + GAP
    height = BOTTOM + row * len(capabilities) + TOP
    sheet = Sheet(WIDTH, height)
    for tick in TICKS:
        x = _across(tick)
        sheet.line("whole" if tick == 100 else "ring", [(x, BOTTOM), (x, height - TOP)])
        sheet.text("tick", (x, BOTTOM - 16), str(tick))
    sheet.text("title", (_across(LARGEST / 2), 4), "Retention, percent of the reference")
    for number, capability in enumerate(capabilities):
        top = height - TOP - number * row
        sheet.text("label", (LEFT - 8, top - row / 2 - 0.35 * TEXT), spoken(capability), "end")
        for place, (line, cell) in enumerate(lines):
            kept = next((one for one in _shown(cell) if one.capability == capability), None)
            if kept is not None and kept.retention is not None:
                y = top - GAP / 2 - STEP * (place + 0.5)
                if kept.interval is not None:
                    sheet.line(f"edge s{line}", [(_across(100 * bound), y) for bound in kept.interval])
                sheet.dots(f"dot s{line}", [(_across(100 * kept.retention), y)])
    title = f"Retention of {recipe} by capability and model"
    return RetentionFigure(
        recipe, tuple((line, cell.model) for line, cell in lines), sheet.markup("front kept", name, title, _described(cells))
    )


def _across(percent: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * max(0.0, min(percent, LARGEST)) / LARGEST


def _described(cells: Sequence[StudyCell]) -> str:
    """Return the text alternative of a plot."""
    return "; ".join(
        f"{cell.model}: " + ", ".join(f"{spoken(kept.capability)} {100 * (kept.retention or 0.0):.1f}" for kept in _shown(cell))
        for cell in cells
    )
