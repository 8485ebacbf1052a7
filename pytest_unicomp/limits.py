"""Limits of cost: how large, slow or hungry a candidate may be beside its reference, `[tool.unicomp.limits]`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_unicomp.errors import UsageProblem, nearest


def limit(name: str, value: Any, where: str = "") -> float:
    """Read a limit such as 0.35 or "0.35x": the largest accepted ratio to the reference. Raises UsageProblem for anything else."""
    text = value.strip().removesuffix("x").strip() if isinstance(value, str) else value
    try:
        number = math.nan if isinstance(text, bool) else float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise UsageProblem(
            f"unicomp: {where or f'limits.{name}'} is {value!r}; expected the largest ratio to the reference, such as 0.35 or '0.35x', above 0 and finite."
        )
    return number


def validate(limits: Mapping[str, Any], measured: Sequence[str], *, where: Callable[..., str]) -> None:
    """Raise UsageProblem for a limit that cannot be read, or that is set for a benchmark which this run does not measure; `where` says its place."""
    for name, value in limits.items():
        limit(name, value, where("limits", name))
        if name not in measured:
            raise UsageProblem(
                f"unicomp: {where('limits', name)} is set, and this run does not measure {name} of a recipe.{nearest(name, measured)} "
                f"Efficiency benchmarks of this run: {', '.join(measured) or 'none'}."
            )
