"""Converts an item's value of an lm-eval metric into scores: a number, a log-likelihood, a pair with a length, or a list of answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite, log
from typing import Any

# Larger numbers cannot be squared and summed.
LARGEST = 1e100
# The metric of lm-eval's `--predict_only`: 999 for every item.
NOTHING = "bypass"
# Metrics whose items hold numbers of which less is better (`higher_is_better` in lm-eval's registry and tasks).
LOWER = frozenset({"brier_score", "likelihood_diff", "ter", "wer"})


@dataclass(frozen=True)
class Reading:
    """A way to read the metric in `field`: `name` is what its scores are; `of` returns the score of an item, one per answer of a list, or None."""

    field: str
    name: str
    lower_is_better: bool
    expected: str
    of: Callable[[Any], float | list[float] | None]


def reading(metric: str) -> Reading:
    """Return how lm-eval's lines hold a metric.

    Its perplexities are computed from all items at once; an item holds a log-likelihood in nats, or a pair with the number of words or bytes.
    Source: `perplexity`, `weighted_perplexity` and `bits_per_byte` in lm_eval/api/metrics.py.
    """
    if metric == "perplexity":
        return Reading(metric, "nats_per_item", True, "a log-likelihood (at most 0)", _nats)
    pairs = {
        "word_perplexity": ("nats_per_word", 1.0),
        "byte_perplexity": ("nats_per_byte", 1.0),
        "bits_per_byte": ("bits_per_byte", log(2)),
    }
    if metric in pairs:
        name, unit = pairs[metric]
        return Reading(metric, name, True, "a pair (log-likelihood, length)", lambda value: _nats_of_pair(value, unit))
    return Reading(metric, metric, metric in LOWER, "a finite number", _plain)


def named(field: str) -> Reading:
    """Return how lines with an `id` hold a score: as a number, whatever the field is called."""
    return Reading(field, field, False, "a finite number", number)


def number(value: Any) -> float | None:
    """Return a finite number of moderate size as a float, a truth value as 0 or 1; None for anything else."""
    if not isinstance(value, int | float) or abs(value) > LARGEST or not isfinite(value):
        return None
    return float(value)


def _plain(value: Any) -> float | list[float] | None:
    """Return one score, or one per answer: IFEval's items hold one True or False per instruction."""
    if isinstance(value, list):
        return [float(entry) for entry in value] if value and all(isinstance(entry, bool) for entry in value) else None
    return number(value)


def _nats(value: Any) -> float | None:
    found = None if isinstance(value, bool) else number(value)
    return None if found is None or found > 0 else abs(found)


def _nats_of_pair(value: Any, unit: float) -> float | None:
    if not isinstance(value, list) or len(value) != 2:
        return None
    total, length = _nats(value[0]), number(value[1])
    return None if total is None or length is None or length < 1 else total / length / unit
