"""Compares two records field by field."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from pytest_unicomp.report.json import document

LONGEST = 120


def differences(reported: BaseModel, again: BaseModel, *, leave: Sequence[str] = ()) -> list[str]:
    """Return one phrase per field of two records that is not the same; numbers may differ by rounding (1e-9 of their size)."""
    first, second = document(reported), document(again)
    # A field that is written only if there is something to say may be on one side alone.
    return [
        f"{name} is {_short(first.get(name))} in the report and {_short(second.get(name))} from its evidence"
        for name in dict.fromkeys((*first, *second))
        if name not in leave and not _same(first.get(name), second.get(name))
    ]


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(_same(one, two) for one, two in zip(first, second, strict=True))
    if isinstance(first, float) and isinstance(second, float | int) and not isinstance(second, bool):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return bool(first == second)
