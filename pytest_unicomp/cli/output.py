"""Shows rows as a table for people, or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import typer


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    """Print rows: `columns` of them aligned, or all of each as a JSON list of objects."""
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    widths = {column: max([len(column), *(len(_cell(row, column)) for row in rows)]) for column in columns}
    typer.echo("  ".join(column.ljust(widths[column]) for column in columns))
    for row in rows:
        typer.echo("  ".join(_cell(row, column).ljust(widths[column]) for column in columns).rstrip())


def _cell(row: Mapping[str, Any], column: str) -> str:
    value = row[column]
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else str(value)
