"""Cost limits, `[tool.unicomp.limits]`: how large, slow or memory-hungry a candidate may be, relative to its reference or in absolute units."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config.toml_lines import Keys

UNITS: Mapping[str, tuple[str, float]] = {
    **{name: ("seconds", size) for name, size in {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}.items()},
    **{name: ("bytes", 1e3**power) for power, name in enumerate(("B", "kB", "MB", "GB", "TB"))},
    **{name: ("bytes", 2.0 ** (10 * power)) for power, name in enumerate(("KiB", "MiB", "GiB", "TiB"), start=1)},
    **{name: ("flops", 1e3**power) for power, name in {0: "FLOP", 3: "GFLOP", 4: "TFLOP"}.items()},
    **{name: ("joules", size) for name, size in {"J": 1.0, "kJ": 1e3, "Wh": 3600.0}.items()},
    "tokens": ("tokens", 1.0),
}
WRITTEN = re.compile(
    r"(?:p(?P<percentile>\d{1,2}(?:\.\d+)?)\s*<=\s*|<=\s*)?(?P<number>[\d.]+(?:e[+-]?\d+)?)\s*"
    r"(?:(?P<ratio>x(?:\s+reference)?)|(?P<unit>[A-Za-zµ]+)(?P<token>\s+per\s+token)?)?",
)
# A higher percentile would need more than ten thousand rounds to prove anything.
HIGHEST_PERCENTILE = 99.0


@dataclass(frozen=True)
class Limit:
    """The largest cost that is accepted: `ratio` times the reference, or `most` in the unit `unit` ("seconds", "bytes", ...).

    An absolute limit applies to the mean, or to a `percentile` of the rounds; `per_token` divides a round's time by the tokens it generates.
    """

    text: str
    ratio: float | None = None
    most: float | None = None
    unit: str | None = None
    percentile: float | None = None
    per_token: bool = False


def read(name: str, value: Any, location: str = "") -> list[Limit]:
    """Read one limit or a list of them: 0.35, "0.35x", "<= 0.35 x reference", "<= 600 s", "p95 <= 40 ms", "p95 <= 40 ms per token".

    Raises UsageProblem for anything else.
    """
    return [_limit(location or f"limits.{name}", one) for one in (value if isinstance(value, list | tuple) else [value])]


def require_readable(table: Mapping[str, Any], locate: Callable[..., str]) -> None:
    """Raise UsageProblem for the first limit of a table that cannot be read; `locate` returns the file and line of a key."""
    for name, value in table.items():
        for keys, one in _numbered(name, value):
            _limit(locate("limits", *keys), one)


def _numbered(name: str, value: Any) -> list[tuple[Keys, Any]]:
    """Return each limit of a benchmark with its keys in the table: the benchmark, and in a list the position; an empty list is an error later."""
    return [((name, place), one) for place, one in enumerate(value)] if isinstance(value, list) and value else [((name,), value)]


def _limit(location: str, value: Any) -> Limit:
    found = WRITTEN.fullmatch(f"{value}".strip()) if not isinstance(value, bool) else None
    try:
        number = float(found["number"]) if found else math.nan
    except ValueError:
        number = math.nan
    unit = found["unit"] if found else None
    if found is None or not 0 < number < math.inf or (unit is not None and unit not in UNITS):
        raise UsageProblem(
            f"unicomp: {location} is {value!r}; expected the largest ratio to the reference, such as 0.35, '0.35x' or '<= 0.35 x reference', above 0; "
            f"or a number with a unit, such as '<= 600 s' or 'p95 <= 40 ms'.{nearest(unit or '', UNITS) if unit else ''}"
        )
    percentile = float(found["percentile"]) if found["percentile"] else None
    if percentile is not None and (unit is None or not 0 < percentile <= HIGHEST_PERCENTILE):
        raise UsageProblem(
            f"unicomp: {location} is {value!r}; expected a percentile up to p{HIGHEST_PERCENTILE:g} and a time, such as 'p95 <= 40 ms'."
        )
    text = f"{value}".strip()
    if unit is None:
        return Limit(text, ratio=number)
    kind, size = UNITS[unit]
    return Limit(text, most=number * size, unit=kind, percentile=percentile, per_token=bool(found["token"]))


def sentences(lines: Sequence[Any], location: str) -> dict[str, list[str]]:
    """Return limits written as sentences, "bytes <= 0.35 x reference", by the benchmark that each begins with; raise UsageProblem for others."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, _, rest = str(line).strip().partition(" ")
        if not isinstance(line, str) or not rest:
            raise UsageProblem(f"unicomp: {location} holds {line!r}; expected sentences such as 'bytes <= 0.35 x reference'.")
        found.setdefault(name, []).append(rest.strip())
    return found


def validate(given: Mapping[str, Any], measured: Mapping[str, tuple[str, str]], *, locate: Callable[..., str]) -> None:
    """Raise UsageProblem for the first limit that cannot be read or does not fit what this run measures.

    `measured` holds kind and metric of each benchmark that may have a limit; `locate` returns the file and line of a key.
    """
    for name, value in given.items():
        if name not in measured:
            raise UsageProblem(
                f"unicomp: {locate('limits', name)} is set, but this run does not measure {name} of a recipe.{nearest(name, measured)} "
                f"Efficiency benchmarks of this run: {', '.join(measured) or 'none'}."
            )
        for keys, one in _numbered(name, value):
            location = locate("limits", *keys)
            _require_fit(_limit(location, one), name, *measured[name], location)


def _require_fit(limit: Limit, name: str, kind: str, metric: str, location: str) -> None:
    if (limit.percentile is not None or limit.per_token) and kind != "latency":
        raise UsageProblem(f"unicomp: {location} is {limit.text!r}; expected no percentile and no 'per token', which only timings have.")
    if limit.unit is not None and limit.unit != metric.partition(" ")[0]:
        raise UsageProblem(
            f"unicomp: {location} is {limit.text!r}, in {limit.unit}; {name} is measured in {metric}; units: "
            f"{', '.join(unit for unit, (named, _) in UNITS.items() if named == metric.partition(' ')[0]) or 'none'}."
        )
    if limit.ratio is not None and kind == "cost":
        raise UsageProblem(
            f"unicomp: {location} is {limit.text!r}; expected a number with a unit, since the reference was not compressed, "
            "such as '<= 600 s' or '<= 8 GB'."
        )
