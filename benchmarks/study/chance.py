"""Tells on which benchmarks the reference is above chance, by the rule of the gate and on all of its stored items."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.study.judged import POLICY
from benchmarks.study.stored import Stored
from pytest_unicomp.api.records import Measurement
from pytest_unicomp.compare.pairing import above_chance


@dataclass(frozen=True)
class Anchor:
    """The reference's mean score on one benchmark, its lower confidence bound, and True if that lies above the chance level (0 if there is none)."""

    measured: Measurement
    score: float
    lower: float
    above: bool


def anchors(stored: Stored) -> list[Anchor]:
    """Return the reference's standing on each of its benchmarks, by name; scores lie in [0, 1], more being better."""
    return [_anchor(stored.dense[name]) for name in sorted(stored.dense)]


def _anchor(measured: Measurement) -> Anchor:
    items = [(item.score, item.cluster or item.id) for item in measured.items if item.score is not None]
    scores, clusters = [score for score, _ in items], [cluster for _, cluster in items]
    above, lower = above_chance(scores, clusters, measured.chance or 0.0, alpha=POLICY.alpha)
    return Anchor(measured, sum(scores) / len(scores), lower, above)
