"""Compares two reports of the same gate: prints each value that differs, by its JSON path, and exits 1 if any does.

Left out is what two equal runs do not share: times, readings of the machine, versions, paths, and the addresses of the store's files.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# Fields that are left out wherever they stand: when, where and under which address in the store; readings of clocks and counters.
ORIGIN = frozenset({"created", "first", "last", "environment", "machine", "versions", "path", "key", "digest", "record"})
READINGS = frozenset({"seconds", "compress_seconds", "compress_peak_bytes", "compress_joules", "health", "S_CC", "S_RA", "S_IE"})
ANYWHERE = ORIGIN | READINGS | {"accepted"}
# Of a check with one of these units or benchmarks, only the question is compared; the answer is a reading.
TIMED = frozenset({"seconds", "seconds per token", "joules"})
MEMORY = frozenset({"peak-memory", "loading-memory", "compress-peak-memory"})
NUMBERS = frozenset({"n", "reference", "candidate", "difference", "interval", "retention", "details"})
ANSWER = NUMBERS | {"kernels", "verdict", "reason", "evidence", "examples"}
# Of a recipe in the plane of quality and cost: whether another is as good and faster.
POINT = frozenset({"front"})
# Of a kernel's table: the machine and its ceilings, and what was timed.
MACHINE = frozenset({"device", "ceilings", "rounds", "unhealthy"})
KERNEL = MACHINE | {"dense_seconds", "ratio", "interval", "bandwidth", "rate", "dense_share", "share", "bound", "difference"}
# What names an element of a list: the first of these that it has.
NAMES = ("nodeid", "recipe", "benchmark", "capability", "claim")
ABSENT = "absent"


def comparable(report: Mapping[str, Any], leave: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return a report without what two equal runs do not share, and without the fields named in `leave`."""
    kept = without(report, ANYWHERE | leave)
    kept["checks"] = [without(check, ANSWER) if is_reading(check) else check for check in kept.get("checks", [])]
    kept["pareto"] = [without(point, POINT) for point in kept.get("pareto", [])]
    kept["kernels"] = [without(table, KERNEL) for table in kept.get("kernels", [])]
    return kept


def is_reading(check: Mapping[str, Any]) -> bool:
    """Return True if a check is about a clock, a counter of energy, or the memory of a process."""
    return check.get("metric") in TIMED or check.get("benchmark") in MEMORY


def without(value: Any, names: frozenset[str]) -> Any:
    """Return a JSON value without the fields of these names, at any depth."""
    if isinstance(value, Mapping):
        return {name: without(field, names) for name, field in value.items() if name not in names}
    return [without(element, names) for element in value] if isinstance(value, list) else value


def leaves(value: Any, path: str = "$") -> Iterator[tuple[str, Any]]:
    """Yield each number, text, truth value, null and empty container of a JSON value with its path."""
    if isinstance(value, Mapping) and value:
        for name, field in value.items():
            yield from leaves(field, f"{path}.{name}")
    elif isinstance(value, list) and value:
        for name, element in zip(labels(value), value, strict=True):
            yield from leaves(element, f"{path}[{name}]")
    else:
        yield path, value


def labels(elements: list[Any]) -> list[Any]:
    """Return what each element is called in a path: its name, numbered if others before it have the same; its place if it has none."""
    records = [element if isinstance(element, Mapping) else {} for element in elements]
    found = [next((record[name] for name in NAMES if record.get(name)), place) for place, record in enumerate(records)]
    before = [found[:place].count(label) for place, label in enumerate(found)]
    return [f"{label} #{times + 1}" if times else label for label, times in zip(found, before, strict=True)]


def differences(first: Mapping[str, Any], second: Mapping[str, Any], leave: frozenset[str] = frozenset()) -> dict[str, tuple[Any, Any]]:
    """Return the two values of each path that differs; numbers may differ by rounding (1e-9 of their size)."""
    one, other = dict(leaves(comparable(first, leave))), dict(leaves(comparable(second, leave)))
    pairs = {path: (one.get(path, ABSENT), other.get(path, ABSENT)) for path in (*one, *(path for path in other if path not in one))}
    return {path: pair for path, pair in pairs.items() if not same(*pair)}


def same(first: Any, second: Any) -> bool:
    """Return True if two leaves are equal, numbers but for rounding."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return bool(first == second)


def main(arguments: list[str] | None = None) -> int:
    """Print a line per difference; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reports", nargs=2, type=Path, metavar="REPORT", help="JSON report of a gate")
    parser.add_argument(
        "--leave", action="append", default=[], metavar="FIELD", help="leave this field out too, such as reason; repeatable"
    )
    given = parser.parse_args(arguments)
    for path in given.reports:
        if not path.is_file():
            parser.error(f"there is no file {path}; expected the JSON report of a gate, as --report gate.json writes it")
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in given.reports)
    found = differences(first, second, frozenset(given.leave))
    for path, (one, other) in found.items():
        print(f"{path}: {json.dumps(one)} -> {json.dumps(other)}")
    print(f"{len(found)} values differ" if found else "the same, but for times, readings of the machine, versions and paths")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
