"""Reads what mutmut left in `mutants/`: each mutant of compare/, how it ended, and the lines that it changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import ndiff
from pathlib import Path
from typing import Literal

PACKAGE = "pytest_unicomp/compare"

Outcome = Literal["killed", "survives", "refused", "not run"]

# mutmut's codes: pytest's own, and those above 30 for what it did without pytest. A mutant that no test reaches survives.
SURVIVES, REFUSED, NOT_RUN = (0, 5, 33), 37, (None, 2, 34)


@dataclass(frozen=True)
class Mutant:
    """One change of one function; `where` is its module below compare/ and its name, `change` the old lines and the new ones."""

    module: str
    where: str
    outcome: Outcome
    change: str


def outcome(code: int | None) -> Outcome:
    """Return how a mutant ended by mutmut's exit code: a failed test, a timeout or a crash kills it."""
    if code in NOT_RUN:
        return "not run"
    if code == REFUSED:
        return "refused"
    return "survives" if code in SURVIVES else "killed"


def mutants(folder: Path) -> Iterator[Mutant]:
    """Yield all mutants that mutmut made in `folder`; the change is read for survivors alone and else empty."""
    root = folder / PACKAGE
    for path in sorted(root.rglob("*.py.meta")):
        source = path.with_suffix("")
        module = ".".join(source.relative_to(root).with_suffix("").parts)
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        places = spans(source)
        lines = source.read_text(encoding="utf-8").splitlines()
        for key, code in codes.items():
            name = key.rpartition(".")[2]
            function, _, _ = name.partition("__mutmut_")
            ended = outcome(code)
            old, new = f"{function}__mutmut_orig", name
            change = _change(_body(lines, places, old), _body(lines, places, new)) if ended == "survives" else ""
            yield Mutant(module, f"{module}.{_readable(function)}", ended, change)


def spans(source: Path) -> dict[str, list[int]]:
    """Return the first and the last line of each function in a file of mutants."""
    found: dict[str, list[int]] = json.loads(source.with_name(f"{source.name}.spans").read_text(encoding="utf-8"))["spans"]
    return found


def _readable(function: str) -> str:
    """Return the name in the source of a function that mutmut has renamed: `x_name`, or `xǁClassǁname` for a method."""
    return ".".join(part for part in function[1:].split("ǁ") if part) if "ǁ" in function else function.removeprefix("x_")


def _body(lines: list[str], places: dict[str, list[int]], name: str) -> list[str]:
    """Return the lines of a function, without the name that mutmut gave it."""
    first, last = places[name]
    return [line.replace(name, "").strip() for line in lines[first - 1 : last]]


def _change(before: list[str], after: list[str]) -> str:
    """Return `old lines -> new lines`."""
    found = list(ndiff(before, after))
    return " -> ".join(" ".join(line[2:] for line in found if line.startswith(sign)) for sign in ("- ", "+ "))
