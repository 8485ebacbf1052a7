"""Reply limits, `[reply_limits]`: how much longer the replies of a candidate may be, and how many more may be cut by the token limit or loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.config.toml_lines import Keys

Name = Literal["length_ratio", "truncated", "looping"]
SHARES: Final[tuple[Name, ...]] = ("truncated", "looping")
NAMES: Final[tuple[Name, ...]] = ("length_ratio", *SHARES)


def limits_of(table: Mapping[str, Any], *, benchmark: str, capability: str) -> dict[Name, float]:
    """Return the limits that apply to a benchmark, empty if there are none; its own win over those of its capability, and these over the run's."""
    tables = [given for name in (benchmark, capability) if isinstance(given := table.get(name), Mapping)]
    found = {name: next((one[name] for one in (*tables, table) if name in one), None) for name in NAMES}
    return {name: float(value) for name, value in found.items() if value is not None}


def owners(table: Mapping[str, Any]) -> list[str]:
    """Return the names of the benchmarks and capabilities that have limits of their own."""
    return [name for name, value in table.items() if isinstance(value, Mapping)]


def require_readable(table: Mapping[str, Any], locate: Callable[..., str]) -> None:
    """Raise UsageProblem for the first limit of a table that is unknown or no number in its range; `locate` returns the file and line of a key.

    `length_ratio` is the largest ratio candidate / reference of the lengths, above 1; `truncated` and `looping` are the largest rise of a share of
    the replies, between 0 and 1. No number of replies proves that nothing rose at all, so neither may be the bound itself.
    """
    if not isinstance(table, Mapping):
        raise UsageProblem(f"unicomp: {locate('reply_limits')} is {table!r}; expected a table of limits.")
    for keys, value in _entries(table):
        location = locate("reply_limits", *keys)
        name = keys[-1]
        if name not in NAMES:
            raise UsageProblem(
                f"unicomp: {location} is {value!r}; expected one of {', '.join(NAMES)}, or a table of these under the name of a benchmark or a "
                f"capability.{nearest(str(name), NAMES)}"
            )
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
        if name == "length_ratio" and not 1 < number < math.inf:
            raise UsageProblem(
                f"unicomp: {location} is {value!r}; expected a number above 1, such as 1.25: replies at most a quarter longer."
            )
        if name != "length_ratio" and not 0 < number < 1:
            meant = f" Did you mean {number / 100:g}, {number:g} points?" if 1 <= number < 100 else ""
            raise UsageProblem(
                f"unicomp: {location} is {value!r}; expected a number above 0 and below 1, such as 0.02: at most 2 points more.{meant}"
            )


def _entries(table: Mapping[str, Any]) -> Iterator[tuple[Keys, Any]]:
    for name, value in table.items():
        if not isinstance(value, Mapping):
            yield (name,), value
        elif value:
            yield from (((name, inner), limit) for inner, limit in value.items())
        else:
            yield (name, ""), "nothing"
