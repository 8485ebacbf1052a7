"""The number of items and the variance of their differences that a gate expects of each benchmark; input of its simulated power."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from pytest_unicomp.compare import stats


@dataclass(frozen=True)
class Expected:
    """One benchmark of a gate before its scores are known, or as an unchanged model would repeat it.

    `discordance` is the share of items scored differently, for right-or-wrong items; for others `spread` is the standard deviation of an item's
    difference, which is used if it is given. `margin` is the loss accepted on the benchmark, `capability_margin` that of its capability; both in
    the unit of the difference. `can_pass` is False if the reference is at chance, which no candidate can pass. `in_nats` says that its scores are
    nats per token, which are pooled apart from all others.
    """

    benchmark: str
    capability: str
    items: int
    discordance: float
    spread: float | None
    design_effect: float
    margin: float
    capability_margin: float
    can_pass: bool = True
    in_nats: bool = False

    @property
    def rate(self) -> bool:
        """Return True if items are right or wrong, so that their flips are counted."""
        return self.spread is None

    @property
    def variance(self) -> float:
        """Return the variance of one item's difference if nothing is lost."""
        return self.discordance if self.spread is None else self.spread**2


def discordance(flips: float, n: int) -> float:
    """Return the share of items expected to flip after `flips` of n did: half a flip is added, so that a share of 0 is never assumed.

    It is the mean of the posterior of a rate with Jeffreys' prior. Source: Brown, Cai & DasGupta 2001, Statistical Science 16, 101-133.
    """
    return (flips + 0.5) / (n + 1)


def design_effect(differences: Sequence[float], clusters: Sequence[Hashable] | None) -> float:
    """Return the design effect of the end of the interval that clusters widen more, as a verdict uses it; 1 if there are none."""
    if clusters is None or not 1 < len(set(clusters)) < len(differences):
        return 1.0
    below, above = stats.design_effects(stats.cluster_sums(differences, clusters))
    return max(float(below[0]), float(above[0]))


def spread(differences: Sequence[float], *, bounded: bool) -> float:
    """Return the standard deviation of an item's difference, from at least two items; of scores in [0, 1] (`bounded`) with half a flip added."""
    n = len(differences)
    variance = stats.mean(differences).stderr ** 2 * n
    return sqrt(discordance(variance * n, n) if bounded else variance)


def items_to_decide(check: Mapping[str, Any], margin: float, difference: float, *, alpha: float) -> int | None:
    """Return how many items decide whether more than `margin` is lost, with 80 % power, if the true difference is `difference`.

    `check` holds the fields `n`, `discordance`, `spread` and `design_effect` of a check; None if the difference is on the margin.
    """
    flips, width, n = check["discordance"] or 0.0, check["spread"], check["n"]
    square = discordance(flips * n, n) if width is None else width**2 + difference**2
    return stats.items_to_decide(
        square, margin, difference=difference, design_effect=check["design_effect"], rate=width is None, alpha=alpha
    )
