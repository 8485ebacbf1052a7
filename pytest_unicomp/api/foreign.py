"""Reads untrusted files: regular files only, with limits on size, nesting depth and digits of a number; every fault is one error line.

JSON as in RFC 8259, with each key of an object once. The limits are listed in docs/security.md.
"""

from __future__ import annotations

import json
import math
import os
import stat
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, one_line

MEBIBYTE: Final = 1 << 20
# Bytes of a file, by what it is.
LARGEST_CONFIGURATION: Final = 16 * MEBIBYTE
LARGEST_TOKENIZER: Final = 256 * MEBIBYTE
LARGEST_REPORT: Final = 512 * MEBIBYTE
LARGEST_ITEMS: Final = 1024 * MEBIBYTE
LARGEST_TOML: Final = 4 * MEBIBYTE
LARGEST_NUMBER: Final = (1 << 63) - 1
# Lists and objects inside each other.
DEEPEST: Final = 64
# Digits of an integer: tokenizers write 10^30 for "no limit".
LONGEST_INTEGER: Final = 40
LONGEST_SHOWN: Final = 120


class ForeignFile(UsageProblem):
    """An untrusted file cannot be used: `path` is its place, `found` the fault, such as "is not valid JSON"."""

    def __init__(self, path: Path | str, found: str, expected: str) -> None:
        """Build the message, with line breaks in names removed."""
        super().__init__(f"unicomp: {one_line(path)} {one_line(found, longest=300)}; expected {expected}.")
        self.found = found


def require_regular(path: Path) -> None:
    """Raise ForeignFile unless `path`, or what it links to, is a regular file: to open anything else may never return."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise ForeignFile(path, f"cannot be read: {_reason(error)}", "a file") from error
    if not stat.S_ISREG(mode):
        raise ForeignFile(path, f"is {_kind(mode)}", "a regular file")


def read_bytes(path: Path, largest: int) -> bytes:
    """Return the content of a regular file of at most `largest` bytes; raise ForeignFile for anything else."""
    require_regular(path)
    try:
        # It may have been exchanged for a pipe meanwhile; with this flag opening one returns.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ForeignFile(path, "is no regular file", "a regular file")
            content = file.read(largest + 1)
    except OSError as error:
        raise ForeignFile(path, f"cannot be read: {_reason(error)}", "a file that can be read") from error
    if len(content) > largest:
        raise ForeignFile(path, f"is longer than {largest:,} bytes", "a smaller file of this kind")
    return content


def read_text(path: Path, largest: int = LARGEST_CONFIGURATION) -> str:
    """Return the text of a UTF-8 file, read as `read_bytes` does; raise ForeignFile if it is not UTF-8."""
    try:
        return read_bytes(path, largest).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ForeignFile(path, f"is not UTF-8 at byte {error.start} ({error.reason})", "a UTF-8 text") from error


def read_json(path: Path, largest: int = LARGEST_CONFIGURATION, *, digits: int = LONGEST_INTEGER, infinite: bool = False) -> Any:
    """Return the value of a JSON file, read as `read_bytes` and `json_value` do."""
    return json_value(read_text(path, largest), path, digits=digits, infinite=infinite)


def read_object(
    path: Path, largest: int = LARGEST_CONFIGURATION, *, digits: int = LONGEST_INTEGER, infinite: bool = False
) -> dict[str, Any]:
    """Return the object of a JSON file; raise ForeignFile for any other value too."""
    found = read_json(path, largest, digits=digits, infinite=infinite)
    if not isinstance(found, dict):
        raise ForeignFile(path, f"holds {_named(found)}", 'a JSON object, {"name": value, ...}')
    return found


def json_value(text: str | bytes, place: Path | str, *, digits: int = LONGEST_INTEGER, infinite: bool = False) -> Any:
    """Return the value of a JSON text; raise ForeignFile, naming `place`, for anything that is no JSON or beyond the limits.

    Refused are NaN and Infinity, numbers that float64 cannot hold, integers of more than `digits` digits, an object that names a key twice, and
    what is nested deeper than DEEPEST. With `infinite`, Infinity is read: some configurations use it for "no limit".
    """
    refused = _Refused(infinite)
    try:
        value = json.loads(
            text,
            parse_constant=refused.constant,
            parse_float=refused.real,
            parse_int=lambda number: refused.integer(number, digits),
            object_pairs_hook=refused.repeated,
        )
    except RecursionError as error:
        raise ForeignFile(place, "is nested too deeply", f"at most {DEEPEST} lists and objects inside each other") from error
    except UnicodeDecodeError as error:
        raise ForeignFile(place, f"is not UTF-8 at byte {error.start} ({error.reason})", "a UTF-8 text") from error
    except ValueError as error:
        raise ForeignFile(place, f"is not JSON ({one_line(error, longest=LONGEST_SHOWN)})", "JSON") from error
    if refused.key is not None:
        raise ForeignFile(place, f"names the key {_shown(refused.key)} more than once{_line_of(text, refused.key)}", "each key once")
    require_shallow(value, place)
    return value


def require_shallow(value: Any, place: Path | str) -> None:
    """Raise ForeignFile, naming `place`, if lists and tables are nested deeper than DEEPEST."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise ForeignFile(place, "is nested too deeply", f"at most {DEEPEST} lists and objects inside each other")
        inner = (entry for node in level for entry in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()))
        level = [entry for entry in inner if isinstance(entry, dict | list)]
        depth += 1


def toml_value(text: str, place: Path | str) -> dict[str, Any]:
    """Return the tables of a TOML text; raise ForeignFile, naming `place`, for what is no TOML, is nested too deeply or holds such numbers."""
    try:
        found = tomllib.loads(text)
    except RecursionError as error:
        raise ForeignFile(place, "is nested too deeply", f"at most {DEEPEST} tables and lists inside each other") from error
    except ValueError as error:
        raise ForeignFile(place, f"cannot be read as TOML: {one_line(error, longest=LONGEST_SHOWN)}", "TOML") from error
    require_shallow(found, place)
    return found


def require_numbers(values: dict[str, Any], place: Path | str) -> None:
    """Raise ForeignFile, naming `place` and the key, for an integer beyond 64 bits; values are not nested too deeply."""
    open_values: list[tuple[str, Any]] = list(values.items())
    while open_values:
        key, value = open_values.pop()
        if isinstance(value, dict):
            open_values += [(f"{key}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            open_values += [(key, inner) for inner in value]
        elif isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise ForeignFile(place, f"gives {_shown(key)} a whole number of more than 64 bits", "a number of at most 64 bits")


class _Refused:
    """Refuses numbers while a text is parsed, and keeps the first key that is there twice."""

    def __init__(self, infinite: bool) -> None:
        self.infinite = infinite
        self.key: str | None = None

    def constant(self, name: str) -> float:
        if self.infinite and name.endswith("Infinity"):
            return float(name)
        raise ValueError(f"{name} is no number of JSON")

    def real(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"the number {text[:LONGEST_SHOWN]} is beyond float64")
        return value

    def integer(self, text: str, digits: int) -> int:
        if len(text.lstrip("-")) > digits:
            raise ValueError(f"a number of {len(text.lstrip('-'))} digits; at most {digits} are read")
        return int(text)

    def repeated(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs) and self.key is None:
            self.key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        return made


def _line_of(text: str | bytes, key: str) -> str:
    """Return ", in line 7" of the second place of a key, if it can be found."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    written = json.dumps(key, ensure_ascii=False)
    first = text.find(written)
    second = text.find(written, first + 1) if first >= 0 else -1
    return f", in line {text.count(chr(10), 0, second) + 1}" if second >= 0 else ""


def _shown(key: str) -> str:
    return repr(key if len(key) <= LONGEST_SHOWN else key[:LONGEST_SHOWN] + "...")


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a pipe"
    if stat.S_ISSOCK(mode):
        return "a socket"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "no regular file"


def _reason(error: Exception) -> str:
    return str((error.strerror if isinstance(error, OSError) else None) or error)
