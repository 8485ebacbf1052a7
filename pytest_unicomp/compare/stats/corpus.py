"""Corpus-level scores, which are no means of item scores, for the bootstrap: F1, Pearson's correlation, log perplexity."""

from __future__ import annotations

from typing import Any


def f1(rows: Any) -> float:
    """Return F1 = 2 tp / (2 tp + fp + fn) of rows (predicted, actual), both 0 or 1, shape (n, 2); 0 if nothing is positive.

    Source: van Rijsbergen 1979, Information Retrieval, chapter 7 (as scikit-learn's f1_score with zero_division = 0).
    """
    predicted, actual = rows[:, 0], rows[:, 1]
    hits = float((predicted * actual).sum())
    positive = float(predicted.sum() + actual.sum())
    return 2 * hits / positive if positive else 0.0


def pearson(rows: Any) -> float:
    """Return Pearson's correlation of rows (x, y), shape (n, 2); 0 if x or y is constant, so that a model stuck on one answer loses.

    Source: Pearson 1895, Proceedings of the Royal Society 58, 240-242.
    """
    centred = rows - rows.mean(axis=0)
    spread = float((centred[:, 0] ** 2).sum() * (centred[:, 1] ** 2).sum()) ** 0.5
    return float((centred[:, 0] * centred[:, 1]).sum()) / spread if spread > 0 else 0.0


def log_perplexity(rows: Any) -> float:
    """Return the negative log perplexity, -sum(nats) / sum(tokens), of documents (nats, tokens), shape (n, 2); larger is better.

    A difference of two is the logarithm of the perplexity ratio reference / candidate. Source: Jelinek et al. 1977, JASA 62 (S1), S63.
    """
    return -float(rows[:, 0].sum() / rows[:, 1].sum())
