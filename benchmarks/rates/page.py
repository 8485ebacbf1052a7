"""Writes the tables of docs/error-rates.md from stored evidence: `python -m benchmarks.rates.page`. Nothing is simulated, and the text stays."""

from __future__ import annotations

from pathlib import Path

from benchmarks.rates.tables import TABLES
from docs.tools import markers

PAGE = Path(__file__).parents[2] / "docs" / "error-rates.md"


def filled(text: str) -> str:
    """Return the page with each table between its markers; raise ValueError if a marker is missing."""
    return markers.filled(text, {name: made() for name, made in TABLES.items()}, PAGE.name)


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
