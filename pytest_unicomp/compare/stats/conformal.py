"""Sizes of conformal prediction sets: how many options a model must name to include the right one as often as promised."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf


def threshold(scores: Sequence[float], error: float) -> float:
    """Return the ceil((n + 1)(1 - error))-th smallest of n calibration scores, infinity if there are too few for that.

    Source: Angelopoulos & Bates 2021, A gentle introduction to conformal prediction, arXiv 2107.07511, section 1.
    """
    rank = ceil((len(scores) + 1) * (1 - error))
    return sorted(scores)[rank - 1] if 1 <= rank <= len(scores) else inf


def set_sizes(stated: Sequence[Sequence[float]], right: Sequence[int], *, error: float) -> list[int]:
    """Return the size of each item's prediction set, which holds the right option with probability 1 - error at least.

    An option is in the set if 1 - its probability is at most the threshold (the score LAC). Items with even and odd places calibrate each other:
    each item's threshold comes from the half that it is not in. Sets may be empty.
    Source: Sadinle, Lei & Wasserman 2019, arXiv 1609.00451; for language models: Ye et al. 2024, arXiv 2401.12794.
    """
    scores = [1 - values[place] for values, place in zip(stated, right, strict=True)]
    thresholds = [threshold(scores[1::2], error), threshold(scores[0::2], error)]
    return [sum(1 - value <= thresholds[place % 2] for value in values) for place, values in enumerate(stated)]
