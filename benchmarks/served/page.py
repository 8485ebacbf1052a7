"""Writes the tables of docs/serving.md from stored evidence: `python -m benchmarks.served.page`. Nothing is measured, and the text stays."""

from __future__ import annotations

from pathlib import Path

from benchmarks.served import evidence
from benchmarks.served.table import missing, refusals, scores
from docs.tools import markers

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
TABLES = {"served-scores": scores, "served-missing": missing, "served-refusals": refusals}


def filled(text: str, cells: list[evidence.Cell]) -> str:
    """Return the page with each table between its markers; raise ValueError if a marker is missing."""
    return markers.filled(text, {name: made(cells) for name, made in TABLES.items()}, PAGE.name)


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), evidence.read()), encoding="utf-8")


if __name__ == "__main__":
    main()
