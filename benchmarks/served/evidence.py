"""Keeps the cells that were measured as JSON lines, one by one, so that a comparison that was interrupted goes on."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

FILE = Path(__file__).parent / "evidence.jsonl"


class Cell(BaseModel, frozen=True):
    """One artifact on one benchmark by one engine: what it scored, or why it did not.

    `answers` gives for each item its score and a digest of its answer; `seconds` is the time of the items alone, `start_seconds` that until the server
    answered, 0 if it was running; `load` the machine's load when the cell began.
    """

    artifact: str
    benchmark: str
    engine: str
    dtype: str
    items: int
    seconds: float
    start_seconds: float | None = None
    value: float | None = None
    stderr: float | None = None
    answers: dict[str, tuple[float | None, str]] = {}
    refused: str = ""
    machine: str = ""
    load: float = 0.0
    created: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """Return what tells a cell from the others: no two with one key are measured."""
        return self.artifact, self.benchmark, self.engine, self.dtype, self.items


def read(path: Path = FILE) -> list[Cell]:
    """Return the cells in the order of their measurement; a last line that was cut is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [Cell.model_validate_json(line) for line in lines]


def append(cell: Cell, path: Path = FILE) -> None:
    """Add one cell."""
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text("".join(f"{kept.model_dump_json()}\n" for kept in read(path)), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{cell.model_dump_json()}\n")
