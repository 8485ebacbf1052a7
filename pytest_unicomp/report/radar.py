"""Draws the radar plot of a recipe: its thirteen scores against the reference's 100, with intervals; an axis without a score leaves a gap."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_unicomp.api.records import Report
from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import words
from pytest_unicomp.report.matrix import RecipeRow
from pytest_unicomp.report.plots import Sheet, Side

WIDTH, HEIGHT = 380.0, 284.0
CENTRE = (190.0, 140.0)
RADIUS = 104.0
RINGS = (25, 50, 75, 100)
# Efficiency scores have no upper bound (a tiny model is many times faster); values beyond the rim are drawn on it.
LARGEST_RIM = 150.0
LABEL_SIZE: Final = 11.0


@dataclass(frozen=True)
class Radar:
    """A recipe's plot and its empty axes: `missing` ones were not measured; for `unanchored` ones the reference is 0 in a cell, so there is no ratio."""

    row: RecipeRow
    plot: Markup
    missing: tuple[str, ...]
    unanchored: tuple[str, ...]


def radars(report: Report, rows: Sequence[RecipeRow]) -> tuple[Radar, ...]:
    """Return one radar per recipe that has a score, all on the same scale."""
    scored = [row for row in rows if any(value is not None for value in row.recipe.scores.values())]
    rim = rim_of(value for row in scored for value in row.recipe.scores.values() if value is not None)
    return tuple(_radar(row, rim) for row in scored)


def _radar(row: RecipeRow, rim: float) -> Radar:
    scores = row.recipe.scores
    empty = [name for name in SCORES if scores.get(name) is None]
    missing = tuple(words.SCORES[name] for name in empty if name not in row.recipe.score_basis)
    unanchored = tuple(words.SCORES[name] for name in empty if name in row.recipe.score_basis)
    sheet = Sheet(WIDTH, HEIGHT)
    axes(sheet, [name for name in SCORES if name not in empty], rim)
    polygon(sheet, scores, row.recipe.score_intervals, rim)
    title = f"Scores of {row.recipe.recipe} in percent of the reference"
    return Radar(row, sheet.markup("radar", f"radar-{row.number}", title, _description(row)), missing, unanchored)


def axes(sheet: Sheet, known: Sequence[str], rim: float) -> None:
    """Draw rings and one labelled axis per score; a score that is not in `known` has a dashed axis and a dash behind its name."""
    for kind, rings in (("ring", RINGS[:-1]), ("whole", RINGS[-1:])):
        sheet.lines(kind, [[_place(turn, ring, rim) for turn in range(len(SCORES) + 1)] for ring in rings])
    for kind, there in (("axis", True), ("void", False)):
        turns = [turn for turn, name in enumerate(SCORES) if (name in known) is there]
        sheet.lines(kind, [[CENTRE, _place(turn, rim, rim)] for turn in turns])
    for turn, name in enumerate(SCORES):
        _label(sheet, turn, words.SCORES[name], known=name in known)
    for ring in (50, 100):
        x, y = _place(-0.5, ring, rim)
        sheet.text("tick", (x, y + 2), str(ring))


def polygon(
    sheet: Sheet,
    scores: Mapping[str, float | None],
    intervals: Mapping[str, tuple[float, float]],
    rim: float,
    *,
    series: str = "",
    filled: bool = True,
) -> None:
    """Draw scores as a polygon with dots and the bars of their intervals; `series` is added to the class of each mark."""
    kind = (lambda name: f"{name} {series}") if series else str
    spreads = [(turn, intervals[name]) for turn, name in enumerate(SCORES) if name in intervals]
    sheet.lines(kind("spread"), [[_place(turn, bound, rim) for bound in bounds] for turn, bounds in spreads])
    values = [scores.get(name) for name in SCORES]
    places = [None if value is None else _place(turn, value, rim) for turn, value in enumerate(values)]
    # An axis without a score leaves a gap instead of a line across it.
    for run in _runs(places):
        if len(run) > 1:
            if filled:
                sheet.area(kind("area"), run if len(run) > len(places) else [CENTRE, *run])
            sheet.line(kind("edge"), run)
    sheet.dots(kind("dot"), [place for place in places if place is not None])


def rim_of(values: Iterable[float]) -> float:
    """Return the value at the rim, in percent of the reference: the largest, rounded up to ten, between 100 and LARGEST_RIM."""
    return min(LARGEST_RIM, max([100.0, *(10 * math.ceil(value / 10) for value in values)]))


def _runs(places: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Return the runs of neighbouring points that have values; a full circle ends at its first point."""
    if all(places):
        return [[place for place in (*places, places[0]) if place is not None]]
    start = places.index(None)
    runs: list[list[tuple[float, float]]] = [[]]
    for place in [*places[start:], *places[:start]]:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    return runs


def _place(turn: float, value: float, rim: float) -> tuple[float, float]:
    """Return the point of a value on an axis, clipped to the rim; the first axis points up, the others follow clockwise."""
    angle = math.pi / 2 - 2 * math.pi * turn / len(SCORES)
    reach = RADIUS * max(0.0, min(value, rim)) / rim
    return CENTRE[0] + reach * math.cos(angle), CENTRE[1] + reach * math.sin(angle)


def _label(sheet: Sheet, turn: int, name: str, *, known: bool) -> None:
    angle = math.pi / 2 - 2 * math.pi * turn / len(SCORES)
    x, y = CENTRE[0] + (RADIUS + 10) * math.cos(angle), CENTRE[1] + (RADIUS + 10) * math.sin(angle)
    side: Side = "middle" if abs(math.cos(angle)) < 0.2 else "start" if math.cos(angle) > 0 else "end"
    lift = -0.35 + 0.35 * math.sin(angle)
    sheet.text("label" if known else "unknown", (x, y + lift * LABEL_SIZE), name if known else f"{name} –", side)


def _description(row: RecipeRow) -> str:
    """Return the text alternative of the plot."""
    parts = []
    for name in SCORES:
        value, bounds = row.recipe.scores.get(name), row.recipe.score_intervals.get(name)
        if value is None:
            parts.append(f"{words.SCORES[name]} {words.no_score(row.recipe, name)}")
        else:
            parts.append(f"{words.SCORES[name]} {value:.1f}" + (f" ({bounds[0]:.1f} to {bounds[1]:.1f})" if bounds else ""))
    return "; ".join(parts)
