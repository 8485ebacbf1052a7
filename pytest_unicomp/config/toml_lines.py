"""Finds the line of each key of a TOML file, which the standard library's parser does not report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Key = str | int
Keys = tuple[Key, ...]
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}#\n]*")


@dataclass(frozen=True)
class TomlLocations:
    """The lines of the keys of one file: its name, its text, and the dotted table that holds the settings (empty: the top level)."""

    path: str = ""
    text: str = ""
    table: str = ""

    def location(self, *keys: Key) -> str:
        """Return "FILE:LINE: margins.knowledge" for the keys ("margins", "knowledge"), or just the name if there is no file.

        A key that is missing from the file has the line of the table that should hold it.
        """
        name = ".".join(str(key) for key in keys)
        line = self.line(*keys)
        return f"{self.path}:{line}: {name}" if line else f"{self.path}: {name}" if self.path else name

    def line(self, *keys: Key) -> int | None:
        """Return the line of a key, counted from 1; of the nearest enclosing key if it is missing; None if there is none."""
        wanted: Keys = (*filter(None, self.table.split(".")), *keys)
        for length in range(len(wanted), 0, -1):
            if wanted[:length] in self._lines:
                return self._lines[wanted[:length]]
        return None

    def has(self, *keys: Key) -> bool:
        """Return True if the file holds exactly this key."""
        return (*filter(None, self.table.split(".")), *keys) in self._lines

    @cached_property
    def _lines(self) -> dict[Keys, int]:
        found: dict[Keys, int] = {}
        for keys, offset in _Scanner(self.text).offsets() if self.text else ():
            found.setdefault(keys, self.text.count("\n", 0, offset) + 1)
        return found


NO_FILE = TomlLocations()


class _Scanner:
    """Walks through a text that is known to be valid TOML 1.0 and records the offset of each key."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text.replace("\r\n", "\n"), 0
        self.found: list[tuple[Keys, int]] = []
        self.counts: dict[Keys, int] = {}

    def offsets(self) -> Iterator[tuple[Keys, int]]:
        table: Keys = ()
        while self._blank():
            begin = self.at
            if self.text[self.at] == "[":
                array = self.text.startswith("[[", self.at)
                self.at += 2 if array else 1
                table = self._inside(self._key())
                if array:
                    self.counts[table] = self.counts.get(table, -1) + 1
                    self.found.append((table, begin))
                    table = (*table, self.counts[table])
                self.found.append((table, begin))
                self.at = self.text.index("]", self.at) + (2 if array else 1)
            else:
                self._pair(table)
        return iter(self.found)

    def _inside(self, names: Keys) -> Keys:
        """Return the full path of a header: inside an array of tables it belongs to the last one."""
        path: Keys = ()
        for depth, name in enumerate(names):
            path = (*path, name)
            if path in self.counts and depth < len(names) - 1:
                path = (*path, self.counts[path])
        return path

    def _pair(self, table: Keys) -> None:
        begin = self.at
        path = (*table, *self._key())
        self.found += [(path[:length], begin) for length in range(len(table) + 1, len(path) + 1)]
        self.at = self.text.index("=", self.at) + 1
        self._value(path)

    def _key(self) -> Keys:
        parts: list[Key] = []
        while True:
            self._spaces()
            if self.text[self.at] in "\"'":
                parts.append(self._string())
            else:
                bare = _BARE.match(self.text, self.at)
                parts.append(bare[0] if bare else "")
                self.at += len(bare[0]) if bare else 1
            self._spaces()
            if self.text[self.at : self.at + 1] != ".":
                return tuple(parts)
            self.at += 1

    def _value(self, path: Keys) -> None:
        self._spaces()
        first = self.text[self.at : self.at + 1]
        if first and first in "\"'":
            self._string()
        elif first == "[":
            self._items(path, "]")
        elif first == "{":
            self._items(path, "}")
        else:
            plain = _PLAIN.match(self.text, self.at)
            self.at = plain.end() if plain else len(self.text)

    def _items(self, path: Keys, end: str) -> None:
        self.at += 1
        count = 0
        while self._blank() and self.text[self.at] != end:
            if self.text[self.at] == ",":
                self.at += 1
            elif end == "}":
                self._pair(path)
            else:
                self.found.append(((*path, count), self.at))
                self._value((*path, count))
                count += 1
        self.at += 1

    def _string(self) -> str:
        quote = self.text[self.at]
        mark = quote * 3 if self.text.startswith(quote * 3, self.at) else quote
        self.at += len(mark)
        begin = self.at
        while self.at < len(self.text) and not self.text.startswith(mark, self.at):
            self.at += 2 if quote == '"' and self.text[self.at] == "\\" else 1
        content = self.text[begin : self.at]
        self.at += len(mark)
        # TOML allows up to two quotes right before the closing three.
        while len(mark) == 3 and self.text[self.at : self.at + 1] == quote:
            self.at += 1
        return content

    def _spaces(self) -> None:
        while self.text[self.at : self.at + 1] in (" ", "\t"):
            self.at += 1

    def _blank(self) -> bool:
        """Skip white space and comments; return True if anything is left."""
        while self.at < len(self.text):
            if self.text[self.at] == "#":
                self.at = self.text.find("\n", self.at)
                if self.at < 0:
                    self.at = len(self.text)
            elif self.text[self.at].isspace():
                self.at += 1
            else:
                return True
        return False
