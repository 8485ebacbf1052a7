"""The hash of what a check rests on: equal evidence, equal hash, so that a waiver excuses what was looked at and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_unicomp.api.records import Check, Measurement
from pytest_unicomp.store.local import digest

LENGTH = 16


def of_items(question: str, reference: Measurement, candidate: Measurement) -> str:
    """Hash a paired check: benchmark, metric, and of every item its id, its prompt's digest and both scores.

    Texts of answers do not enter: another wording of the same wrong answer is the same evidence. Nor do versions, machine and margins.
    """
    sides = [sorted([item.id, item.prompt_digest, item.score] for item in side.items) for side in (reference, candidate)]
    return _hash(question=question, benchmark=candidate.benchmark, metric=candidate.metric, sides=sides)


def of_values(question: str, benchmark: str, *values: Any) -> str:
    """Hash a check of plain values: exact numbers such as bytes, findings about a file, or what was timed on what (timings never repeat)."""
    return _hash(question=question, benchmark=benchmark, values=list(values))


def of_checks(checks: Iterable[Check]) -> str | None:
    """Hash several checks, whatever their order; one alone keeps its own hash; None where one of them has nothing that could be excused."""
    parts: Sequence[str | None] = sorted((check.evidence for check in checks), key=str)
    if not parts or None in parts:
        return None
    return parts[0] if len(parts) == 1 else _hash(checks=parts)


def content(measurement: Measurement) -> str:
    """Return the digest of everything in a measurement but when, and how long, it was made."""
    return digest(measurement.model_dump(mode="json", exclude={"created", "seconds"}))


def _hash(**parts: Any) -> str:
    return digest(parts)[:LENGTH]
