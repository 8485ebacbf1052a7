"""Equality of parsed JSON values, with room for floats that went through 32 bits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# 1e-05 becomes 9.999999747378752e-06 in 32 bits.
ROUNDING = 1e-6


def equal(mine: Any, theirs: Any) -> bool:
    """Return True if two values are equal: numbers within ROUNDING of each other (relative), lists and dictionaries element by element."""
    if isinstance(mine, bool) or isinstance(theirs, bool):
        return mine is theirs or (isinstance(mine, bool) and isinstance(theirs, bool) and mine == theirs)
    if isinstance(mine, int | float) and isinstance(theirs, int | float):
        return mine == theirs or math.isclose(mine, theirs, rel_tol=ROUNDING)
    if isinstance(mine, list | tuple) and isinstance(theirs, list | tuple):
        return len(mine) == len(theirs) and all(equal(one, other) for one, other in zip(mine, theirs, strict=True))
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return mine.keys() == theirs.keys() and all(equal(mine[key], theirs[key]) for key in mine)
    return bool(mine == theirs)
