"""Layout of the forest plots: paired differences, intervals and margins, placed in percent of the plot's width, one axis per unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_unicomp.api.records import CapabilityVerdict, Check
from pytest_unicomp.report.matrix import RecipeRow
from pytest_unicomp.report.numbers import Unit, change, unit_of

Question = Literal["retention", "drift"]


@dataclass(frozen=True)
class Entry:
    """One row of a plot, unplaced: a pooled capability or a single benchmark."""

    label: str
    detail: str
    pooled: bool
    difference: float | None
    interval: tuple[float, float] | None
    margin: float | None
    verdict: str


@dataclass(frozen=True)
class Line:
    """One row of a plot with the positions of its parts, from 0 (left edge) to 100 (right edge); None: nothing to draw."""

    entry: Entry
    low: float | None
    middle: float | None
    high: float | None
    margins: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    """The plot of one recipe, question and unit; `ticks` are (position, text), `zero` is the position of no difference."""

    question: Question
    unit: Unit
    zero: float
    ticks: tuple[tuple[float, str], ...]
    lines: tuple[Line, ...]

    @property
    def undecided(self) -> int:
        """The number of rows that did not pass."""
        return sum(line.entry.verdict != "pass" for line in self.lines)


def panels(row: RecipeRow) -> tuple[Panel, ...]:
    """Return the plots of a recipe: retention per unit (capabilities above their benchmarks), then drift per unit."""
    found: list[Panel] = []
    questions: tuple[Question, ...] = ("retention", "drift")
    for question in questions:
        entries = _retention(row) if question == "retention" else _drift(row)
        units: tuple[Unit, ...] = ("rate", "nats", "plain")
        for unit in units:
            own = [entry for entry, entry_unit in entries if entry_unit == unit]
            if any(entry.interval or entry.difference is not None for entry in own):
                found.append(_panel(question, unit, own))
    return tuple(found)


def _retention(row: RecipeRow) -> list[tuple[Entry, Unit]]:
    retained = [check for check in row.checks if check.question == "retention"]
    entries: list[tuple[Entry, Unit]] = []
    shown: set[str] = set()
    for cell in row.cells:
        if cell.pooled is None or cell.pooled.dimension == "efficiency":
            continue
        members = [check for check in retained if check.benchmark in cell.pooled.benchmarks]
        entries.append((_pooled(cell.pooled, members), cell.unit))
        # The pooled row of a single benchmark is that benchmark; a second row would look like more evidence.
        entries += [(_single(check), unit_of(check)) for check in members] if len(members) > 1 else []
        shown |= {check.benchmark for check in members}
    return entries + [(_single(check), unit_of(check)) for check in retained if check.benchmark not in shown]


def _drift(row: RecipeRow) -> list[tuple[Entry, Unit]]:
    return [(_single(check), unit_of(check)) for check in row.listed if check.question == "drift"]


def _pooled(pooled: CapabilityVerdict, members: Sequence[Check]) -> Entry:
    detail = members[0].benchmark if len(members) == 1 else f"{len(pooled.benchmarks)} benchmarks"
    return Entry(pooled.capability, detail, True, pooled.difference, pooled.interval, pooled.margin, pooled.verdict)


def _single(check: Check) -> Entry:
    return Entry(check.benchmark, "", False, check.difference, check.interval, check.margin, check.verdict)


def _panel(question: Question, unit: Unit, entries: Sequence[Entry]) -> Panel:
    low, high = _domain(entries, both=question == "drift")

    def place(value: float) -> float:
        return 100 * (value - low) / (high - low)

    def line(entry: Entry) -> Line:
        bounds = entry.interval
        signs = () if entry.margin is None else (-1, 1) if question == "drift" else (-1,)
        return Line(
            entry=entry,
            low=place(bounds[0]) if bounds else None,
            middle=place(entry.difference) if entry.difference is not None else None,
            high=place(bounds[1]) if bounds else None,
            margins=tuple(place(sign * (entry.margin or 0.0)) for sign in signs),
        )

    return Panel(
        question=question,
        unit=unit,
        zero=place(0.0),
        # A label at the very edge would overlap the neighbouring column.
        ticks=tuple((place(tick), _tick(tick, unit)) for tick in _ticks(low, high) if 5 <= place(tick) <= 95),
        lines=tuple(line(entry) for entry in entries),
    )


def _domain(entries: Sequence[Entry], *, both: bool) -> tuple[float, float]:
    """Return the axis limits: every interval, zero and twice every margin, plus 4 % on each side."""
    values = [0.0]
    for entry in entries:
        values += [*(entry.interval or ()), *([entry.difference] if entry.difference is not None else [])]
        values += [-2 * entry.margin, (2 if both else 1) * entry.margin] if entry.margin else []
    low, high = min(values), max(values)
    spare = 0.04 * (high - low) or 0.01
    return low - spare, high + spare


def _ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Return round numbers (1, 2 or 5 times a power of ten apart), zero among them, at most `most`."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next((factor * power for factor in (1, 2, 5, 10) if factor * power >= raw), 10 * power)
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _tick(value: float, unit: Unit) -> str:
    """Return a tick's label without trailing zeros: "−5", "+0.5"."""
    text = change(value, unit, named=False)
    return text.rstrip("0").rstrip(".") if "." in text and float(text.replace("−", "-")) != 0 else "0"
