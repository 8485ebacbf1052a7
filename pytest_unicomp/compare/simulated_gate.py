"""Simulates a recipe's gate from what is expected of its benchmarks: how likely it passes if nothing is lost, and fails if much is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.expected import Expected

if TYPE_CHECKING:
    import numpy as np

REPLICATES = 4000
# By how many times the items of a benchmark are imagined to grow, and for how many benchmarks: those that stop the gate most often.
MORE_ITEMS, TRIED = 2, 6
# As many benchmarks as a large gate has, so that recipes of which nothing is known share their draws.
KEPT = 256


@dataclass(frozen=True)
class Chances:
    """Probabilities of a recipe's verdict: that all of it passes, and that it fails."""

    passes: float
    fails: float


class Drawn(NamedTuple):
    """Simulated evaluations of one benchmark: (REPLICATES,) differences, the ends of their intervals, p-values of a loss beyond the benchmark's
    margin, and whether each passes its capability's margin, and its own."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    p_value: np.ndarray
    passes: np.ndarray
    passes_alone: np.ndarray


def chances(expected: Sequence[Expected], *, alpha: float, drop: float = 0.0) -> Chances:
    """Return the chances of a recipe whose benchmarks all have the true loss `drop`: capabilities pooled by MOVER, benchmarks after Holm."""
    return _Gate(expected, alpha, drop).chances


def most_helpful(expected: Sequence[Expected], *, alpha: float) -> tuple[str, float]:
    """Return the benchmark of which MORE_ITEMS times the items help an unchanged model most, and the probability that all then passes.

    Tried are the TRIED benchmarks with the widest intervals of the capabilities that pass least often.
    """
    gate = _Gate(expected, alpha, 0.0)
    options = [(gate.passes_with_more(place), expected[place].benchmark) for place in gate.most_doubtful()]
    best, name = max(options, key=lambda option: option[0])
    return name, best


def passes_alone(one: Expected, *, alpha: float) -> float:
    """Return the probability that an unchanged model passes a benchmark at its own margin."""
    return float(_drawn(one, alpha, 0.0).passes_alone.mean())


def fails_alone(one: Expected, *, alpha: float, drop: float) -> float:
    """Return the probability that a true loss of `drop` fails a benchmark at its own margin."""
    found = _drawn(one, alpha, drop)
    return float((found.upper < -one.margin).mean())


class _Gate:
    """The simulated evaluations of one recipe, and which of its capabilities pass in each."""

    def __init__(self, expected: Sequence[Expected], alpha: float, drop: float) -> None:
        self._expected, self._alpha = expected, alpha
        self._drawn = [_drawn(one, alpha, drop) for one in expected]
        # As verdicts are pooled: nats per token apart from all others.
        self._places: dict[tuple[str, bool], list[int]] = {}
        for place, one in enumerate(expected):
            self._places.setdefault((one.capability, one.in_nats), []).append(place)
        self._passing = {name: self._pool(places, self._drawn)[0] for name, places in self._places.items()}

    @property
    def chances(self) -> Chances:
        """Return the shares of simulated runs that pass and that fail."""
        import numpy as np

        fails = np.min([one.p_value for one in self._drawn], axis=0) <= self._alpha / len(self._expected)
        for places in self._places.values():
            fails = fails | self._pool(places, self._drawn)[1]
        passes = np.all(list(self._passing.values()), axis=0) & ~fails
        return Chances(float(passes.mean()), float(fails.mean()))

    def most_doubtful(self) -> list[int]:
        """Return the places of the benchmarks that stop the gate most: by how rarely their capability passes, then by their width."""
        rank = {
            place: (float(self._passing[name].mean()), -float((one.value - one.lower).mean()))
            for name, places in self._places.items()
            for place in places
            for one in (self._drawn[place],)
        }
        return sorted(rank, key=lambda place: rank[place])[:TRIED]

    def passes_with_more(self, place: int) -> float:
        """Return the probability that all passes if one benchmark has MORE_ITEMS times its items."""
        import numpy as np

        one = self._expected[place]
        grown = list(self._drawn)
        grown[place] = _drawn(replace(one, items=MORE_ITEMS * one.items), self._alpha, 0.0)
        own = (one.capability, one.in_nats)
        passing = {**self._passing, own: self._pool(self._places[own], grown)[0]}
        fails = np.min([found.p_value for found in grown], axis=0) <= self._alpha / len(grown)
        return float((np.all(list(passing.values()), axis=0) & ~fails).mean())

    def _pool(self, places: Sequence[int], drawn: Sequence[Drawn]) -> tuple[np.ndarray, np.ndarray]:
        """Return two boolean arrays (REPLICATES,): the runs in which the capability passes, and those in which it fails."""
        import numpy as np

        same = [self._expected[place] for place in places]
        found = [drawn[place] for place in places]
        margin = sum(one.capability_margin for one in same) / len(same)
        if not all(one.can_pass for one in same):
            return np.zeros(REPLICATES, bool), np.zeros(REPLICATES, bool)
        value, lower, upper = (np.array([one[side] for one in found]) for side in range(3))
        middle, k = value.mean(axis=0), len(found)
        fails = middle + np.sqrt(((upper - value) ** 2).sum(axis=0)) / k < -margin
        if k == 1:
            return found[0].passes, fails
        return middle - np.sqrt(((value - lower) ** 2).sum(axis=0)) / k > -margin, fails


@lru_cache(maxsize=KEPT)
def _drawn(one: Expected, alpha: float, drop: float) -> Drawn:
    """Simulate a benchmark; the seed depends on what is expected alone, so that a plan and a report print the same number."""
    import numpy as np
    from scipy.special import ndtr, ndtri

    name = np.frombuffer(one.benchmark.encode(), np.uint8).tolist()
    if one.spread is None:
        n = max(1, round(one.items / one.design_effect))
        discordance = min(1.0, max(one.discordance, drop))
        lost_rate = (discordance + drop) / 2
        # The stream of a RandomState never changes, whereas that of a Generator may: a report must be recomputed to the digit.
        random = np.random.RandomState([n, round(1e6 * discordance), round(1e6 * drop), *name])
        counts = random.multinomial(n, [lost_rate, discordance - lost_rate, 1 - discordance], size=REPLICATES)
        # Few pairs of counts differ, and each is judged once.
        codes, place = np.unique(counts[:, 0] * (n + 1) + counts[:, 1], return_inverse=True)
        lost, gained = np.divmod(codes, n + 1)
        lower, upper = stats.normal_bounds(lost, gained, n, alpha=alpha)
        p_value = ndtr(-stats.normal_statistic(lost, gained, n, one.margin))
        passes, alone = (
            stats.decide_counts(lost, gained, n, margin=margin, alpha=alpha).passes for margin in (one.capability_margin, one.margin)
        )
        return Drawn(*(part[place] for part in ((gained - lost) / n, lower, upper, p_value, passes, alone)))
    stderr = one.spread * sqrt(one.design_effect / one.items)
    value = np.random.RandomState([round(1e6 * drop), *name]).normal(-drop, stderr, REPLICATES)
    half = float(ndtri(1 - alpha)) * stderr
    p_value = ndtr((value + one.margin) / max(stderr, 1e-12))
    lower = value - half
    return Drawn(value, lower, value + half, p_value, lower > -one.capability_margin, lower > -one.margin)
