"""Prints rows as a table for people, or as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

# Wider than any row: in a pipe or a file a row is one line, whatever its length.
UNLIMITED = 100_000
# Names up to this length are never broken, so that they can be copied; keys of the store have 32 characters, paths may have more.
UNBROKEN = 32
GAP = 2
Json = Annotated[bool, typer.Option("--json", help="print a list of objects")]


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, columns: tuple[str, ...]) -> None:
    """Print the `columns` of all rows as a table, or all columns as a JSON list of objects.

    On a terminal, cells are wrapped between words to its width. In a pipe nothing is wrapped, shortened or coloured.
    """
    if as_json:
        typer.echo(as_text(rows))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="")
    cells = [[_cell(row[column]) for column in columns] for row in rows]
    needed = 0
    for place, column in enumerate(columns):
        words = [word for row in cells for word in row[place].split()]
        longest = min(UNBROKEN, max(map(len, [column, *words])))
        table.add_column(column, overflow="fold", min_width=longest)
        needed += longest + GAP
    for row in cells:
        # Text and not str, in which rich would read square brackets as markup.
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    console.width = max(console.width, needed) if sys.stdout.isatty() else UNLIMITED
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def as_text(value: Any) -> str:
    """Return a value as indented JSON; characters are escaped unless standard output can show all of them."""
    return json.dumps(value, indent=1, ensure_ascii=not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf"))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else str(value)
