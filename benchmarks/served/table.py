"""Writes cells as tables: an artifact on a benchmark by this engine and by a server beside it, and what servers refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.served.engines import HERE, LLAMA_CPP, VLLM
from benchmarks.served.evidence import Cell
from benchmarks.served.protocol import ARTIFACTS, BENCHMARKS, DENSE


def line(cell: Cell) -> str:
    """Return a cell on one line: its score and seconds, or why it was refused."""
    said = f"{cell.artifact} on {cell.benchmark} by {cell.engine}, {cell.dtype}"
    return f"{said}: refused: {cell.refused}" if cell.value is None else f"{said}: {_score(cell)} in {cell.seconds:.0f} s"


def scores(cells: Sequence[Cell]) -> str:
    """Return a row for each cell that a server scored, beside this engine's on the same artifact, items and benchmark if that is measured."""
    head = (
        "| artifact | benchmark | this engine, float32 | server | its score | same answers | same scores | seconds here | seconds there |"
    )
    return f"{head}\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n" + "".join(f"{row}\n" for row in _rows(cells))


def refusals(cells: Iterable[Cell]) -> str:
    """Return a row for each artifact that a server did not take, with its first cause."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        if cell.value is None:
            found.setdefault((f"{cell.engine}, {cell.dtype}", cell.artifact, cell.refused), []).append(cell.benchmark)
    rows = (f"| {server} | {artifact} | {', '.join(names)} | {why} |\n" for (server, artifact, why), names in found.items())
    return f"| server | artifact | benchmarks | first cause |\n| --- | --- | --- | --- |\n{''.join(rows)}"


def missing(cells: Iterable[Cell]) -> str:
    """Return a row for each artifact and engine of the protocol with the benchmarks on which nothing is known: neither a score nor a refusal."""
    known = {(cell.artifact, cell.engine, cell.benchmark) for cell in cells}
    rows = []
    for artifact in ARTIFACTS:
        for engine in (HERE, VLLM, *([LLAMA_CPP] if artifact == DENSE else [])):
            left = [name for name in BENCHMARKS if (artifact, engine, name) not in known]
            rows += [f"| {artifact} | {engine} | {', '.join(left)} |\n"] if left else []
    return f"| artifact | engine | not measured yet |\n| --- | --- | --- |\n{''.join(rows)}" if rows else "All of it is measured.\n"


def _rows(cells: Sequence[Cell]) -> Iterator[str]:
    here = {(cell.artifact, cell.benchmark, cell.items): cell for cell in cells if cell.engine == HERE and cell.value is not None}
    for cell in cells:
        if cell.engine == HERE or cell.value is None:
            continue
        mine = here.get((cell.artifact, cell.benchmark, cell.items))
        answers, same = ("", "") if mine is None else agreement(mine, cell)
        score, seconds = ("not measured", "") if mine is None else (_score(mine), f"{mine.seconds:.0f}")
        yield (
            f"| {cell.artifact} | {cell.benchmark} | {score} | {cell.engine}, {cell.dtype} | {_score(cell)} | {answers} | {same} "
            f"| {seconds} | {cell.seconds:.0f} |"
        )


def agreement(here: Cell, there: Cell) -> tuple[str, str]:
    """Return of how many of the items that both have the answer is the same, and the score."""
    both = [(here.answers[name], answer) for name, answer in there.answers.items() if name in here.answers]
    answers = sum(one[1] == other[1] for one, other in both)
    equal = sum(one[0] == other[0] for one, other in both)
    return f"{answers} of {len(both)}", f"{equal} of {len(both)}"


def _score(cell: Cell) -> str:
    return f"{cell.value:.2f}" + ("" if cell.stderr is None else f" ± {cell.stderr:.2f}")
