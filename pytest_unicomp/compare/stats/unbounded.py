"""Differences of scores without a bound (nats, 0 to 100): the size that one may have, and Student's t with room for a long tail."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare.stats.means import t_quantile
from pytest_unicomp.compare.stats.proportions import normal_quantile

if TYPE_CHECKING:
    import numpy as np

# How many times Johnson's correction the end on the side of the long tail moves out: the sample's skewness is far below the true one.
TAIL_ROOM = 4.0
# Fewer items than this hardly show a tail: the skewness assumed for none, less in proportion to the items that there are.
TAIL_SHOWS_FROM, ASSUMED_SKEWNESS = 30, 2.0


def largest_difference(reference: Sequence[float], candidate: Sequence[float]) -> float:
    """Return the size that an item's difference may have, above 0, as far as the scores show it; raise UnicompError if they show none.

    If all items differ (nats), it is the largest difference seen. Items that stay the same hide flips as large as the scores' whole range
    with 0 (right or wrong as 0 and 100), so each moves the size towards that range by its share of the items.
    """
    differences = [abs(new - old) for old, new in zip(reference, candidate, strict=True)]
    scores = [0.0, *reference, *candidate]
    same = sum(value == 0 for value in differences) / len(differences)
    size = same * (max(scores) - min(scores)) + (1 - same) * max(differences)
    if size <= 0:
        raise UnicompError(
            "unicomp: all scores are 0 and unbounded, so nothing shows how large a loss would be; evaluate items that score."
        )
    return size


def skewness(values: Any) -> np.ndarray:
    """Return the moment coefficient of skewness along the last axis, 0 for constant values; the sizes of clusters do not matter."""
    import numpy as np

    given = np.asarray(values)
    centred = given - given.mean(axis=-1, keepdims=True)
    # Powers of tiny values underflow, so the largest is made 1; what rounding leaves of equal values has no shape.
    largest = np.abs(centred).max(axis=-1, keepdims=True)
    centred = np.where(largest > 1e-12 * np.abs(given).max(axis=-1, keepdims=True), centred, 0.0)
    centred = centred / np.where(largest > 0, largest, 1.0)
    variance = (centred**2).mean(axis=-1)
    found: np.ndarray = (centred**3).mean(axis=-1) / np.where(variance > 0, variance, 1.0) ** 1.5
    return found


def tailed_factors(degrees: float, skew: Any, units: int, *, items: int, alpha: float) -> tuple[Any, Any]:
    """Return how many standard errors the lower and the upper end lie from the mean: Student's quantile, and more towards a long tail; accepts arrays.

    Johnson's correction for a skewness g of n units is g (1 + 2 t^2) / (6 root n) standard errors. It is applied TAIL_ROOM times, and only
    outwards. Fewer than TAIL_SHOWS_FROM items are taken to have a long tail on both sides.
    Source: Johnson 1978, JASA 73, 536-544; the constants were chosen by simulation (docs/error-rates.md).
    """
    import numpy as np

    t = t_quantile(1 - alpha, degrees)
    room = TAIL_ROOM * (1 + 2 * t * t) / 6 / units**0.5
    least = ASSUMED_SKEWNESS * max(0.0, 1 - items / TAIL_SHOWS_FROM)
    return t + room * np.maximum(-skew, least), t + room * np.maximum(skew, least)


def hidden_variance(n: int, size: float, *, alpha: float) -> float:
    """Return the variance that n items of which none differed still leave: the rule of three, -log(alpha) / n, for differences of `size`."""
    return (log(1 / alpha) / normal_quantile(1 - alpha) * size / n) ** 2
