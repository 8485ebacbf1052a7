"""Writes cells as the rows of a table: engine x artifact x benchmark."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.served.engines import HERE
from benchmarks.served.evidence import Cell

HEAD = (
    "| artifact | benchmark | engine | score | same answers | same scores | seconds | start | requests |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


def row(cell: Cell, known: Iterable[Cell]) -> str:
    """Return a cell as a row; its answers are compared with those of this engine on the same artifact."""
    said = f"| {cell.artifact} | {cell.benchmark} | {cell.engine}, {cell.dtype} |"
    if cell.value is None:
        return f"{said} refused: {cell.refused} | | | {cell.seconds:.0f} | | |"
    error = f" ± {cell.stderr:.3f}" if cell.stderr is not None else ""
    here = next((one for one in known if one.engine == HERE and _same(one, cell) and one.value is not None), None)
    answers, scores = agreement(here, cell) if here is not None and cell.engine != HERE else ("", "")
    start = "" if cell.start_seconds is None else f"{cell.start_seconds:.0f}"
    flight = "" if cell.in_flight is None else str(cell.in_flight)
    return f"{said} {cell.value:.3f}{error} | {answers} | {scores} | {cell.seconds:.0f} | {start} | {flight} |"


def agreement(here: Cell, there: Cell) -> tuple[str, str]:
    """Return of how many of the items that both have the answer is the same, and the score."""
    both = [(here.answers[name], answer) for name, answer in there.answers.items() if name in here.answers]
    answers = sum(one[1] == other[1] for one, other in both)
    scores = sum(one[0] == other[0] for one, other in both)
    return f"{answers} of {len(both)}", f"{scores} of {len(both)}"


def _same(one: Cell, other: Cell) -> bool:
    return (one.artifact, one.benchmark, one.items) == (other.artifact, other.benchmark, other.items)
