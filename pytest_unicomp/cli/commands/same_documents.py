"""Checks that an id names the same document in two files: scores of different questions cannot be paired."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_unicomp.cli.commands.json_rows import printable

SHOWN = 24
# What a line may hold of its document, the shortest first; a field counts if both files have it.
FIELDS = ("doc_hash", "prompt_hash", "target_hash", "target", "prompt", "question", "arguments", "doc")


def documents(row: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return the fields of the item's document that both lines have, as canonical JSON texts of `row`."""
    return [_canonical(field, row[field]) for field in FIELDS if row.get(field) is not None and other.get(field) is not None]


def other_document(before: Mapping[str, Any], after: Mapping[str, Any]) -> str | None:
    """Return a sentence with the first document field that differs between an item's two lines and both values; None if all are equal."""
    for field in FIELDS:
        if before.get(field) is None or after.get(field) is None:
            continue
        first, second = (_canonical(field, side[field]) for side in (before, after))
        if first != second:
            return f"{field} is {_around(first, second)} in the reference and {_around(second, first)} in the candidate"
    return None


def _canonical(field: str, value: Any) -> str:
    if field == "arguments":
        value = _unnamed(value)
    # Newer versions of lm-eval write the target as a text.
    return value if isinstance(value, str) else str(value) if field == "target" else json.dumps(value, sort_keys=True, ensure_ascii=False)


def _unnamed(arguments: Any) -> Any:
    """Return lm-eval's arguments as lists: newer versions write them as {"gen_args_0": {"arg_0": ...}}."""
    if not isinstance(arguments, dict):
        return arguments
    return [list(entry.values()) if isinstance(entry, dict) else entry for entry in arguments.values()]


def _around(text: str, other: str) -> str:
    """Return the part of a text at which another begins to differ."""
    same = next((place for place, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), min(len(text), len(other)))
    start = max(0, same - SHOWN // 2) if len(text) > SHOWN else 0
    part = text[start : start + SHOWN]
    return f"'{'...' if start else ''}{printable(part)}{'...' if start + SHOWN < len(text) else ''}'"
