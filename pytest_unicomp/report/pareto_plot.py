"""Draws Pareto plots: each recipe's quality against one cost, recipes on the Pareto front filled, labels placed without overlap."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from pytest_unicomp.api.records import Point, Report
from pytest_unicomp.report import numbers
from pytest_unicomp.report.plots import Sheet, Side, width_of
from pytest_unicomp.report.visible import one_line

WIDTH, HEIGHT = 360.0, 264.0
LEFT, RIGHT, BOTTOM, TOP = 44.0, 16.0, 44.0, 22.0
TEXT: Final = 11.0
LONGEST_NAME = 24
# Points of quality.
LEAST_SPAN = 0.1


@dataclass(frozen=True)
class CostAxis:
    """One cost: its name, title, number format, and how to read it from a point."""

    name: str
    title: str
    text: Callable[[float], str]
    of: Callable[[Point], float | None]


AXES: Final = (
    CostAxis("size", "Weight files", numbers.size, lambda point: point.bytes),
    CostAxis("speed", "Decode time per round", numbers.duration, lambda point: point.seconds),
    CostAxis("making", "Compression time", numbers.duration, lambda point: point.compress_seconds),
)


@dataclass(frozen=True)
class Box:
    """A rectangle of the drawing that a mark or label covers."""

    left: float
    bottom: float
    right: float
    top: float

    def meets(self, other: Box) -> bool:
        """Return True if two boxes overlap."""
        return self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top


def pareto_plots(report: Report, *, name: str = "front") -> tuple[Markup, ...]:
    """Return one plot per cost that all recipes have; none if fewer than two recipes have a quality. `name` begins the ids of the plots."""
    if len(report.pareto) < 2:
        return ()
    whole = report.reference.bytes if report.reference else 0
    drawn = []
    for axis in AXES:
        costs = [axis.of(point) for point in report.pareto]
        known = [cost for cost in costs if cost is not None]
        if len(known) == len(costs) and max(known) > 0:
            drawn.append(_plot(axis, report.pareto, known, report.cheapest, whole if axis.name == "size" else None, name))
    return tuple(drawn)


def _plot(
    axis: CostAxis, points: Sequence[Point], costs: Sequence[float], cheapest: str | None, reference: float | None, name: str
) -> Markup:
    sheet = Sheet(WIDTH, HEIGHT)
    most = max([*costs, reference or 0.0])
    across = _round_steps(0.0, most)
    worst, best = min(*(point.quality for point in points), 100.0), max(*(point.quality for point in points), 100.0)
    # If all recipes keep everything, their quality has no spread to scale by.
    up = _round_steps(min(worst, best - LEAST_SPAN), best)
    span = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - TOP

    def place(cost: float, quality: float) -> tuple[float, float]:
        return LEFT + span[0] * cost / across[-1], BOTTOM + span[1] * (quality - up[0]) / (up[-1] - up[0])

    for value in up:
        y = place(0.0, value)[1]
        sheet.line("whole" if value == 100 else "ring", [(LEFT, y), (WIDTH - RIGHT, y)])
        sheet.text("tick", (LEFT - 8, y - 0.35 * TEXT), f"{value:g}".replace("-", "−"), "end")
    for value in across:
        x = place(value, up[0])[0]
        sheet.line("ring", [(x, BOTTOM), (x, BOTTOM - 4)])
        sheet.text("tick", (x, BOTTOM - 17), axis.text(value) if value else "0")
    sheet.text("title", (LEFT + span[0] / 2, 6), axis.title)
    sheet.text("title", (4, HEIGHT - 10), "Quality", "start")
    at = [place(cost, point.quality) for point, cost in zip(points, costs, strict=True)]
    names = [(point.recipe, where, "chosen" if point.recipe == cheapest else "label") for point, where in zip(points, at, strict=True)]
    if reference is not None:
        names.append(("reference", place(reference, 100.0), "unknown"))
        sheet.dots("cross", [names[-1][1]])
    sheet.dots("hollow", [where for point, where in zip(points, at, strict=True) if not point.front])
    sheet.dots("dot", [where for point, where in zip(points, at, strict=True) if point.front])
    _names(sheet, names)
    description = "; ".join(
        f"{point.recipe}: quality {point.quality:.1f}, {axis.text(cost)}{', on the front' if point.front else ''}"
        for point, cost in zip(points, costs, strict=True)
    )
    return sheet.markup("front", f"{name}-{axis.name}", f"Quality against {axis.title.lower()}", description)


def _names(sheet: Sheet, names: Sequence[tuple[str, tuple[float, float], str]]) -> None:
    """Label each dot if there is a place at which the label overlaps no other dot or label; a label that fits nowhere is left out (the table has it)."""
    taken = [Box(x - 5, y - 5, x + 5, y + 5) for _, (x, y), _ in names]
    for name, (x, y), kind in sorted(names, key=lambda entry: entry[2] != "chosen"):
        shown = one_line(name)
        shown = shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"
        wide = width_of(shown, TEXT)
        candidates: tuple[tuple[float, float, Side, float], ...] = (
            (x + 8, y - 0.35 * TEXT, "start", x + 8),
            (x - 8, y - 0.35 * TEXT, "end", x - 8 - wide),
            (x, y + 9, "middle", x - wide / 2),
            (x, y - 9 - 0.7 * TEXT, "middle", x - wide / 2),
        )
        for at_x, at_y, side, left in candidates:
            box = Box(left - 2, at_y - 3, left + wide + 2, at_y + 0.9 * TEXT)
            inside = box.left >= 0 and box.right <= WIDTH and box.bottom >= BOTTOM - 8 and box.top <= HEIGHT
            if inside and not any(box.meets(other) for other in taken):
                taken.append(box)
                sheet.text(kind, (at_x, at_y), shown, side)
                break


def _round_steps(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers (1, 2, 2.5 or 5 times a power of ten apart) from at or below `low` to at or above `high`."""
    raw = max(high - low, 1e-9) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw * 0.999), 10 * power)
    return [round(index * step, 12) for index in range(math.floor(low / step), math.ceil(high / step - 1e-9) + 1)]
