"""Writes the tables of docs/serving.md from stored evidence: `python -m benchmarks.served.page`. Nothing is measured, and the text stays."""

from __future__ import annotations

from pathlib import Path

from benchmarks.served import evidence
from benchmarks.served.table import refusals, scores

PAGE = Path(__file__).parents[2] / "docs" / "serving.md"
TABLES = {"served-scores": scores, "served-refusals": refusals}


def filled(text: str, cells: list[evidence.Cell]) -> str:
    """Return the page with each table between its markers; raise ValueError if a marker is missing."""
    for name, made in TABLES.items():
        before, start, rest = text.partition(f"<!-- {name}:start -->\n")
        _, end, after = rest.partition(f"<!-- {name}:end -->")
        if not (start and end):
            raise ValueError(f"{PAGE.name} has lost its markers for {name}")
        text = before + start + made(cells) + end + after
    return text


def main() -> None:
    """Write the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), evidence.read()), encoding="utf-8")


if __name__ == "__main__":
    main()
