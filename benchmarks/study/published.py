"""Scores that others published for the unquantized model, zero-shot, with lm-eval, and whether what is stored here agrees with them."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.study import gold
from benchmarks.study.stored import Stored
from pytest_unicomp.compare import stats


@dataclass(frozen=True)
class Published:
    """A published score in percent, by the metric of lm-eval that it was counted with."""

    benchmark: str
    metric: str
    percent: float


PUBLISHED = (
    Published("arc_easy", "acc", 54.12),
    Published("arc_challenge", "acc_norm", 27.73),
    Published("piqa", "acc_norm", 66.92),
    Published("hellaswag", "acc_norm", 42.99),
)
CONFIDENCE = 0.9


@dataclass(frozen=True)
class Beside:
    """Our score of the same metric in percent, with its interval and items; `low` to `high` is where a score of the same model would lie."""

    published: Published
    percent: float
    low: float
    high: float
    items: int

    @property
    def agrees(self) -> bool:
        """Return True if the published score lies inside the interval."""
        return self.low <= self.published.percent <= self.high


def beside(stored: Stored) -> list[Beside]:
    """Return our score beside each published one whose benchmark is stored."""
    found = []
    for figure in PUBLISHED:
        measured = stored.dense.get(figure.benchmark)
        scores = [] if measured is None else [item.score for item in measured.items if item.score is not None]
        if measured is not None and measured.metric != figure.metric:
            scores = gold.plain_accuracy(measured, stored.gold(figure.benchmark))
        if not scores:
            continue
        low, high = stats.wilson_interval(sum(scores), len(scores), confidence=CONFIDENCE)
        found.append(Beside(figure, 100 * sum(scores) / len(scores), 100 * low, 100 * high, len(scores)))
    return found
