"""Reads a page back as a browser would: elements, attributes, and the tables' exact numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input", "hr"}


@dataclass
class Cell:
    """One table cell: its text and the numbers that its <data> elements carry."""

    text: str = ""
    numbers: list[float] = field(default_factory=list)


class Page(HTMLParser):
    """`tags` in their order, `attributes` as (tag, name, value), `tables` by class as rows of cells, `passages` the texts of <pre>."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: list[tuple[str, list[list[Cell]]]] = []
        self.passages: list[str] = []
        self.text = ""
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self._in_table = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        values = dict(attrs)
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append((values.get("class") or "", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append(Cell())
        elif tag == "data" and self._inside("tr"):
            self.tables[-1][1][-1][-1].numbers.append(float(values["value"] or "nan"))
        elif tag == "pre":
            self.passages.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self._inside("style"):
            return
        self.text += data
        if self._inside("td") or self._inside("th"):
            self.tables[-1][1][-1][-1].text += data
        if self._inside("pre"):
            self.passages[-1] += data

    def _inside(self, tag: str) -> bool:
        return tag in self._open

    def named(self, name: str) -> list[list[list[Cell]]]:
        """Return the rows of every table with this class."""
        return [rows for found, rows in self.tables if found == name]
