"""Puts a ranking of recipes into rows: rank, score, which recipes each is better than, and which it cannot be told apart from."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_unicomp.api.records import Ranked, Ranking
from pytest_unicomp.report import numbers
from pytest_unicomp.report.numbers import Unit


@dataclass(frozen=True)
class Standing:
    """The row of one recipe; `ranks` is "1" or "1–3"."""

    recipe: str
    ranks: str
    value: float
    shown: str
    better_than: tuple[str, ...]
    not_told_apart: tuple[str, ...]


def unit_of_ranking(ranking: Ranking) -> Unit:
    """Return the unit of a ranking's differences."""
    if ranking.unit == numbers.NATS:
        return "nats"
    return "rate" if ranking.unit == "rate" else "plain"


def standings(ranking: Ranking) -> list[Standing]:
    """Return one row per recipe, best mean score first."""
    return [_standing(ranking, one) for one in ranking.recipes]


def basis(ranking: Ranking) -> str:
    """Return the benchmarks and the number of items that a ranking rests on, in one line."""
    return f"{', '.join(ranking.benchmarks)}; {ranking.n} items"


def _standing(ranking: Ranking, one: Ranked) -> Standing:
    better, equal = [], []
    for pair in ranking.pairs:
        if one.recipe in (pair.first, pair.second):
            other = pair.second if one.recipe == pair.first else pair.first
            if pair.better is None:
                equal.append(other)
            elif pair.better == one.recipe:
                better.append(other)
    best, worst = one.ranks
    shown = numbers.percent(one.value) if ranking.unit == "rate" else f"{one.value:.3f}"
    return Standing(one.recipe, str(best) if best == worst else f"{best}–{worst}", one.value, shown, tuple(better), tuple(equal))
