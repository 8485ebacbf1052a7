"""Checks that two measurements are comparable before items are paired: benchmark, metric, conditions, items and prompts must be equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pytest_unicomp.api.records import Conditions, Item, Measurement
from pytest_unicomp.compare.wording import counted

Pair = tuple[Item, Item]


def mismatch(reference: Measurement, candidate: Measurement, *, names: tuple[str, str] = ("reference", "candidate")) -> str | None:
    """Return the first difference that makes two measurements not comparable, or None.

    Benchmark, metric, direction, every condition except `limit`, the items and the digests of their prompts must be equal. If the limits
    differ, every candidate item must be in the reference. Missing, duplicate or empty items are a mismatch, and so is an item that only
    one side could score. Hardware and versions may differ.
    """
    return _conditions(reference, candidate, names) or _items(reference, candidate, names)


def paired(reference: Measurement, candidate: Measurement) -> list[Pair]:
    """Return the items that both sides scored, ordered by id; both measurements must be comparable."""
    known = {item.id: item for item in reference.items}
    both = ((known[item.id], item) for item in sorted(candidate.items, key=lambda item: item.id))
    return [pair for pair in both if pair[0].score is not None and pair[1].score is not None]


def _differs(field: str, first: Any, second: Any, names: tuple[str, str]) -> str:
    return f"{field} is {first!r} in the {names[0]} and {second!r} in the {names[1]}"


def _conditions(reference: Measurement, candidate: Measurement, names: tuple[str, str]) -> str | None:
    for field in ("benchmark", "metric", "higher_is_better"):
        first, second = getattr(reference, field), getattr(candidate, field)
        if first != second:
            return _differs(field, first, second, names)
    for field in Conditions.model_fields:
        first, second = getattr(reference.conditions, field), getattr(candidate.conditions, field)
        if field != "limit" and first != second:
            return _differs(field, first, second, names)
    return None


def _listed(ids: Iterable[str]) -> str:
    ordered = sorted(ids)
    rest = f" and {len(ordered) - 3} more" if len(ordered) > 3 else ""
    return f"{', '.join(ordered[:3])}{rest}"


def _items(reference: Measurement, candidate: Measurement, names: tuple[str, str]) -> str | None:
    for measurement, name in ((reference, names[0]), (candidate, names[1])):
        if not measurement.items:
            return f"the {name} has no items"
        twice = [key for key, count in Counter(item.id for item in measurement.items).items() if count > 1]
        if twice:
            return f"{counted(len(twice), 'item')} more than once in the {name}: {_listed(twice)}"
    first, second = ({item.id: item for item in side.items} for side in (reference, candidate))
    if second.keys() - first.keys():
        missing = second.keys() - first.keys()
        return f"{counted(len(missing), 'item')} of the {names[1]} missing in the {names[0]}: {_listed(missing)}"
    shortfall = _shortfall(reference, candidate, names)
    if shortfall:
        return shortfall
    for key in sorted(second):
        if first[key].prompt_digest != second[key].prompt_digest:
            return _differs(f"prompt_digest of item {key}", first[key].prompt_digest, second[key].prompt_digest, names)
    return _unscored(first, second, names)


def _shortfall(reference: Measurement, candidate: Measurement, names: tuple[str, str]) -> str | None:
    """Describe the items missing beyond those that a smaller `limit` leaves out; None if there are none."""
    missing = {item.id for item in reference.items} - {item.id for item in candidate.items}
    limit = candidate.conditions.limit
    expected = len(reference.items)
    if limit is not None and limit != reference.conditions.limit:
        expected = min(limit, expected)
    if len(candidate.items) >= expected:
        return None
    return f"the {names[1]} has {counted(len(candidate.items), 'item')}, expected {expected} (limit {limit}); missing: {_listed(missing)}"


def _unscored(first: dict[str, Item], second: dict[str, Item], names: tuple[str, str]) -> str | None:
    for one, other, without, scored in ((first, second, *names), (second, first, *names[::-1])):
        missing = [key for key in second if one[key].score is None and other[key].score is not None]
        if missing:
            return f"{counted(len(missing), 'item')} with a score in the {scored} but none in the {without}: {_listed(missing)}"
    if all(item.score is None for item in second.values()):
        return f"none of the {len(second)} items has a score"
    return None
