"""Writes the README's tables from the program itself: `python -m pytest_unicomp.readme README.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pytest_unicomp.options import default_of, options
from pytest_unicomp.registry import benchmarks, methods
from pytest_unicomp.store import write_text


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    columns = list(head)
    lines = [columns, ["---"] * len(columns), *[[cell.replace("|", "\\|") for cell in row] for row in rows]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def options_table() -> str:
    """One row per option: name, meaning, default."""
    rows = []
    for option in options():
        default = default_of(option)
        shown = ", ".join(default) if isinstance(default, tuple) else str(default)
        rows.append((f"`{option.name}`", option.metadata["help"], shown if default not in (None, ()) else "none"))
    return _table(("option", "meaning", "default"), rows)


def recipes_table() -> str:
    """One row per recipe: name, family, settings, whether it looks at calibration text."""
    rows = []
    for name, method in methods().items():
        settings = ", ".join(f"{key} {value}" for key, value in method.settings().items()) or "as it is"
        rows.append((f"`{name}`", method.family, settings, "yes" if method.calibrated else "no"))
    return _table(("recipe", "family", "settings", "calibrated"), rows)


def benchmarks_table() -> str:
    """One row per benchmark: name, capability, data set, metric, shots, the sets it belongs to."""
    rows = [
        (f"`{name}`", entry.capability, entry.dataset, entry.metric, str(entry.shots), ", ".join(entry.sets))
        for name, entry in benchmarks().items()
    ]
    return _table(("benchmark", "capability", "data", "metric", "shots", "sets"), rows)


TABLES: Mapping[str, Callable[[], str]] = {"options": options_table, "recipes": recipes_table, "benchmarks": benchmarks_table}


def main(path: Path) -> None:
    """Replace each table between its markers."""
    text = path.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
        before, _, rest = text.partition(start)
        _, _, after = rest.partition(end)
        text = before + start + table() + end + after
    write_text(path, text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
