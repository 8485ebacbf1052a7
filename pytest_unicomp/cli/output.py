"""Prints rows as a table for people, or as JSON for programs."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
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

    On a terminal, cells are wrapped between words to its width; if the names of a row do not fit beside each other, each row is a paragraph
    instead. In a pipe nothing is wrapped, shortened or coloured.
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
    if sys.stdout.isatty() and needed - GAP > console.width:
        _paragraphs(cells, columns, console.width)
        return
    console.width = console.width if sys.stdout.isatty() else UNLIMITED
    with console.capture() as captured:
        console.print(table)
    for line in captured.get().splitlines():
        typer.echo(line.rstrip())


def say(text: str) -> None:
    """Print lines; on a terminal each is folded to its width, with what is continued indented."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else UNLIMITED
    for line in text.splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + GAP)
        folded = textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True)
        typer.echo("\n".join(folded) if len(line) > width else line)


def _paragraphs(cells: Sequence[Sequence[str]], columns: Sequence[str], width: int) -> None:
    """Print each row as its first cell, and below it the others with the names of their columns."""
    for row in cells:
        typer.echo(row[0])
        rest = "; ".join(f"{column} {text}" for column, text in zip(columns[1:], row[1:], strict=True))
        indent = " " * GAP
        wrapped = textwrap.wrap(
            rest, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        for line in wrapped:
            typer.echo(line)


def as_text(value: Any) -> str:
    """Return a value as indented JSON; characters are escaped unless standard output can show all of them."""
    return json.dumps(value, indent=1, ensure_ascii=not (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf"))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "-" if value is None else str(value)
