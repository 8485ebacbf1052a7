"""Finds how much filling a prompt of a given number of tokens holds."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from pytest_unicomp.api.errors import InfrastructureError

PROBE = 32


def units_within(tokens: Callable[[int], int], budget: int) -> int:
    """Return about as many units of filling as a prompt of at most `budget` tokens holds; `tokens` counts those of a prompt with so many units.

    It is called a few times only, since a long text takes long to count. Raises InfrastructureError if the prompt without filling has more.
    """
    base = tokens(0)
    if base > budget:
        raise InfrastructureError(f"unicomp: a prompt without filling has {base:,} tokens; expected at most {budget:,}.")
    each = max(1.0, (tokens(PROBE) - base) / PROBE)
    units = int((budget - base) / each)
    while units and (over := tokens(units) - budget) > 0:
        units = max(0, units - ceil(over / each))
    return units
