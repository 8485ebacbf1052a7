"""Distributions as log-probabilities in nats, and the Kullback-Leibler divergence between two of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log

# The least probability of a bucket: rounding may leave 0, or less.
TINY = 1e-9


def log_softmax(values: Sequence[float]) -> list[float]:
    """Return the logarithms of the probabilities that are proportional to exp(values)."""
    top = max(values)
    total = top + log(sum(exp(value - top) for value in values))
    return [value - total for value in values]


def kl(old: Sequence[float], new: Sequence[float]) -> float:
    """Return KL(old || new) in nats; rounding does not make it negative."""
    return max(0.0, sum(exp(one) * (one - other) for one, other in zip(old, new, strict=True)))


def bucketed(old: Mapping[int, float], new: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """Return two distributions over the tokens that both list, with one bucket for all others, given log-probabilities by token.

    Merging outcomes never enlarges a KL divergence (log-sum inequality: Cover & Thomas 2006, Elements of Information Theory, theorem 2.7.1), so that
    of the result is a lower bound for the whole vocabulary, in both directions.
    """
    shared = old.keys() & new.keys()
    return _with_rest([old[token] for token in shared]), _with_rest([new[token] for token in shared])


def _with_rest(listed: Sequence[float]) -> list[float]:
    probabilities = [exp(value) for value in listed]
    return [log(max(value, TINY)) for value in (*probabilities, 1 - sum(probabilities))]
