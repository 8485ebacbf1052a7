"""Writes tables into a page between their markers, `<!-- NAME:start -->` and `<!-- NAME:end -->`; the text around them stays."""

from __future__ import annotations

from collections.abc import Mapping


def filled(text: str, tables: Mapping[str, str], page: str) -> str:
    """Return the text of a page with each table, by name, between its markers; raise ValueError with the page's name if a marker is missing."""
    for name, table in tables.items():
        before, start, rest = text.partition(f"<!-- {name}:start -->\n")
        _, end, after = rest.partition(f"<!-- {name}:end -->")
        if not (start and end):
            raise ValueError(f"{page} has lost its markers for {name}")
        text = before + start + table + end + after
    return text
