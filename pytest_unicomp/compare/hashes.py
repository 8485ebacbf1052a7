"""Hashes the evidence behind a check, so that a waiver, which names the hash, excuses the evidence that its owner reviewed and no other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_unicomp.api.records import Check, Item, Measurement
from pytest_unicomp.store.local import digest

LENGTH = 16


def of_items(question: str, reference: Measurement, candidate: Measurement) -> str:
    """Return the hash of a paired check: benchmark, metric, and each item's id, prompt digest and score, and which of its replies are cut or loop.

    Answer texts are left out: another wording of the same wrong answer is the same evidence. Versions, machine and margins are left out too.
    """
    sides = [sorted([item.id, item.prompt_digest, item.score, *_ends(item)] for item in side.items) for side in (reference, candidate)]
    return _hash(question=question, benchmark=candidate.benchmark, metric=candidate.metric, sides=sides)


def of_replies(question: str, reference: Measurement, candidate: Measurement) -> str:
    """Return the hash of a check of replies: benchmark, and each item's id, prompt digest and, for each reply, its tokens and if it is cut or loops."""
    sides = [
        sorted([item.id, item.prompt_digest, *_ends(item), [reply.tokens for reply in item.replies or []]] for item in side.items)
        for side in (reference, candidate)
    ]
    return _hash(question=question, benchmark=candidate.benchmark, sides=sides)


def of_values(question: str, benchmark: str, *values: Any) -> str:
    """Return the hash of a check of plain values: bytes, findings about a file, or what was timed on which machine (timings never repeat)."""
    return _hash(question=question, benchmark=benchmark, values=list(values))


def of_checks(checks: Iterable[Check]) -> str | None:
    """Return the hash of several checks in any order; a single check keeps its hash; None if a check has none, or there is no check."""
    parts: Sequence[str | None] = sorted((check.evidence for check in checks), key=str)
    if not parts or None in parts:
        return None
    return parts[0] if len(parts) == 1 else _hash(checks=parts)


def content(measurement: Measurement) -> str:
    """Return the digest of a measurement without its creation time and duration."""
    return digest(measurement.model_dump(mode="json", exclude={"created", "seconds"}))


def _ends(item: Item) -> list[list[bool | None]]:
    """Return for each reply of an item if the token limit cut it and if it loops; empty without replies, so that such evidence keeps its hash."""
    return [[reply.truncated, reply.looping] for reply in item.replies or []]


def _hash(**parts: Any) -> str:
    return digest(parts)[:LENGTH]
