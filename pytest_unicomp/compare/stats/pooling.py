"""Pools independent differences into their mean (MOVER), and corrects several p-values for multiple testing (Holm)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from pytest_unicomp.api.errors import UnicompError


@dataclass(frozen=True)
class Bounded:
    """An estimate with the ends of its interval."""

    value: float
    lower: float
    upper: float


def mover_mean(parts: Sequence[Bounded]) -> Bounded:
    """Return the mean of independent estimates, equally weighted, with an interval at the confidence of the parts' intervals.

    MOVER: lower = mean - sqrt(sum (value_i - lower_i)^2) / k, and the same above. Variances are recovered near each limit, so skewed score
    intervals stay skewed, and one part keeps its own interval. Raises UnicompError without parts. Source: Zou & Donner 2008, Statistics in Medicine 27, 1693-1702, section 2.
    """
    if not parts:
        raise UnicompError("unicomp: nothing to pool; expected at least one benchmark with an interval.")
    if len(parts) == 1:
        return parts[0]
    k = len(parts)
    value = sum(part.value for part in parts) / k
    below = sqrt(sum((part.value - part.lower) ** 2 for part in parts)) / k
    above = sqrt(sum((part.upper - part.value) ** 2 for part in parts)) / k
    return Bounded(value, value - below, value + above)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values in the order given: reject those that are at most alpha to keep the familywise error at alpha.

    Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
