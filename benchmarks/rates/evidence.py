"""Keeps results of simulations as JSON lines, appended one by one, so that a simulation that was interrupted goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "evidence"


def read(name: str) -> list[dict[str, Any]]:
    """Return the rows of one table, in the order of their simulation; a last line that was cut is left out."""
    path = FOLDER / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def append(name: str, row: dict[str, Any]) -> None:
    """Add one row to a table."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.jsonl"
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text("".join(f"{json.dumps(kept)}\n" for kept in read(name)), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(row)}\n")
