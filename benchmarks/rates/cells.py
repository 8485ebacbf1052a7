"""The grid of simulated evaluations: items, clusters, correlations, kinds of scores, discordances."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["0/1", "one between", "partial credit", "0 to 100", "unbounded"]
KINDS: tuple[Kind, ...] = ("0/1", "one between", "partial credit", "0 to 100", "unbounded")
SIZES, CLUSTERS, CORRELATIONS = (30, 60, 150, 400, 1300), ("none", 5, 12, 20, 40, "half"), (0.1, 0.3)
DISCORDANCES = (0.01, 0.05, 0.2, 0.5)
# What a flipped item gains or loses if credit is partial, all equally likely.
CREDITS = (0.25, 0.5, 0.75, 1.0)
MARGIN = 0.03


@dataclass(frozen=True)
class Cell:
    """n items in clusters of equal size ("half": one of n / 2 items, all others alone), whose rates vary as a Dirichlet with `correlation`.

    The largest flip is 1 for scores in [0, 1] and for 0 to 100, which is simulated in units of 100; unbounded items are worth a log-normal
    amount with a mean of 1. `discordance` is the share of items that flip.
    """

    n: int
    clusters: int | str
    correlation: float
    kind: Kind
    discordance: float

    @property
    def flip(self) -> float:
        """The mean size of a flip."""
        return sum(CREDITS) / len(CREDITS) if self.kind == "partial credit" else 1.0

    @property
    def margin(self) -> float:
        """3 points, or all that so few flips can lose."""
        return min(MARGIN, self.discordance * self.flip)

    @property
    def sizes(self) -> np.ndarray:
        """The items of each cluster."""
        if self.clusters == "none":
            return np.array([self.n])
        if self.clusters == "half":
            return np.array([self.n // 2] + [1] * (self.n - self.n // 2))
        return np.bincount(np.arange(self.n) % int(self.clusters))

    def rates(self, drop: float) -> tuple[float, float]:
        """Return the shares of items that lose and gain at a true drop."""
        return (self.discordance + drop / self.flip) / 2, max(0.0, (self.discordance - drop / self.flip) / 2)

    def random(self, stage: int) -> np.random.Generator:
        """Return the generator of one stage of the simulation, which depends on the cell alone otherwise."""
        named = [*str(self.clusters).encode(), round(10 * self.correlation), KINDS.index(self.kind), round(100 * self.discordance)]
        return np.random.default_rng([self.n, *named, stage])


def cells() -> Iterator[Cell]:
    """Return every cell with fewer clusters than items; independent items have one correlation, 0."""
    for kind, n, clusters, correlation, discordance in itertools.product(KINDS, SIZES, CLUSTERS, CORRELATIONS, DISCORDANCES):
        if isinstance(clusters, int) and clusters >= n:
            continue
        if clusters == "none":
            if correlation == CORRELATIONS[0]:
                yield Cell(n, clusters, 0.0, kind, discordance)
            continue
        yield Cell(n, clusters, correlation, kind, discordance)
