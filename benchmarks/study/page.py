"""Writes the tables of docs/smollm2.md from stored evidence: `python -m benchmarks.study.page`. Nothing is measured, and the text stays."""

from __future__ import annotations

from pathlib import Path

from benchmarks.study.judged import Judged, judge
from benchmarks.study.stored import read
from benchmarks.study.tables import TABLES
from docs.tools import markers

PAGE = Path(__file__).parents[2] / "docs" / "smollm2.md"


def filled(text: str, study: Judged) -> str:
    """Return the page with each table between its markers; raise ValueError if a marker is missing."""
    return markers.filled(text, {name: made(study) for name, made in TABLES.items()}, PAGE.name)


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), judge(read())), encoding="utf-8")


if __name__ == "__main__":
    main()
