"""Tests if quantization is the best trade-off of quality with size and speed: its share of the Pareto front, and the area that it reaches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pytest_unicomp.report.study.findings import costs
from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding
from pytest_unicomp.report.study.findings.normal import stderr
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.sources import Source

if TYPE_CHECKING:
    import numpy as np

DRAWS: Final = 2000
FAMILY: Final = "quantization"
OTHERS: Final = ("pruning", "distillation")


@dataclass(frozen=True)
class Place:
    """A recipe in the plane: quality (1: the reference's) with its standard error, cost over the reference's with that of its logarithm."""

    family: str
    quality: float
    quality_error: float
    cost: float
    cost_error: float


def trade_off(study: Study, sources: Sequence[Source]) -> Iterator[Finding]:
    """Yield, against size and against time, the lead of quantization in its share of the front and in the area: of each model, and of all."""
    statistics: tuple[tuple[str, Callable[[Sequence[Place], np.ndarray, np.ndarray], float]], ...] = (
        ("quantized share of the Pareto front - of all recipes", front_lead),
        ("area below quality against {cost}, quantization - best other family", area_lead),
    )
    for cost in ("size", "run time"):
        for statistic, lead in statistics:
            claimed = Claimed(
                claim=f"quantization is the best trade-off of quality and {cost}",
                statistic=statistic.format(cost=cost),
                needs=f"1 quantized and 1 pruned or distilled recipe of 1 model, with quality and {cost}",
            )
            each = [_of_model(claimed, study, source, cost, lead) for source in sources]
            if len(each) > 1:
                yield claimed.together(each)
            yield from each


def _of_model(
    claimed: Claimed, study: Study, source: Source, cost: str, lead: Callable[[Sequence[Place], np.ndarray, np.ndarray], float]
) -> Finding:
    import numpy as np

    places = _places(study, source, cost)
    families = {place.family for place in places}
    if FAMILY not in families or not families & set(OTHERS):
        there = ", ".join(sorted(families)) or "none"
        return claimed.missing(source.name, f"families with quality and {cost}: {there}", recipes=len(places))
    rng = np.random.default_rng(0)
    quality, spent = np.array([place.quality for place in places]), np.array([place.cost for place in places])
    value = lead(places, quality, spent)
    qualities = rng.normal(quality, [place.quality_error for place in places], (DRAWS, len(places)))
    spends = spent * np.exp(rng.normal(0, [place.cost_error for place in places], (DRAWS, len(places))))
    drawn = np.array([lead(places, one, other) for one, other in zip(qualities, spends, strict=True)])
    low, high = np.quantile(drawn, [(1 - study.confidence) / 2, (1 + study.confidence) / 2])
    interval: Bounds = (float(min(low, value)), float(max(high, value)))
    return claimed.read(source.name, value, interval, recipes=len(places), models=1)


def _places(study: Study, source: Source, cost: str) -> list[Place]:
    spent: Mapping[str, tuple[float, float]]
    if cost == "size":
        spent = {recipe: (ratio, 0.0) for recipe, ratio in costs.sizes(source.report).items()}
    else:
        timed = costs.run_times(source.report)[1]
        spent = {
            recipe: (ratio, stderr((math.log(low), math.log(high)), study.confidence)) for recipe, (ratio, (low, high)) in timed.items()
        }
    return [
        Place(cell.family, cell.quality.value / 100, stderr(cell.quality.interval, study.confidence) / 100, *spent[cell.recipe])
        for cell in study.cells
        if cell.model == source.name and cell.recipe in spent and cell.family in (FAMILY, *OTHERS)
        if cell.quality is not None and cell.quality.interval is not None
    ]


def front_lead(places: Sequence[Place], quality: np.ndarray, cost: np.ndarray) -> float:
    """Return the quantized share of the recipes that no other beats in one of quality and cost without loss in the other, minus that of all."""
    import numpy as np

    beaten = (quality[None, :] >= quality[:, None]) & (cost[None, :] <= cost[:, None])
    strictly = (quality[None, :] > quality[:, None]) | (cost[None, :] < cost[:, None])
    front = np.logical_not((beaten & strictly).any(axis=1)).tolist()
    quantized = [place.family == FAMILY for place in places]
    on_front = [kind for kind, there in zip(quantized, front, strict=True) if there]
    return sum(on_front) / len(on_front) - sum(quantized) / len(quantized)


def area_lead(places: Sequence[Place], quality: np.ndarray, cost: np.ndarray) -> float:
    """Return the area of quantization minus the largest of another family's; see `area`."""
    by_family: dict[str, list[tuple[float, float]]] = {}
    for place, one, other in zip(places, quality, cost, strict=True):
        by_family.setdefault(place.family, []).append((float(other), float(one)))
    return area(by_family[FAMILY]) - max(area(own) for family, own in by_family.items() if family != FAMILY)


def area(points: Sequence[tuple[float, float]]) -> float:
    """Return the integral over costs from 0 to 1 (the reference's) of the best quality at that cost or less; `points` are (cost, quality).

    It is the hypervolume that the family dominates (Zitzler & Thiele 1999, IEEE Transactions on Evolutionary Computation 3, 257-271), with the
    reference's cost and a quality of 0 as reference point. What costs more than the reference reaches nothing.
    """
    best = total = 0.0
    before = 1.0
    inside = sorted((cost, quality) for cost, quality in points if cost < 1)
    for place, (cost, quality) in enumerate(inside):
        best = max(best, quality)
        before = inside[place + 1][0] if place + 1 < len(inside) else 1.0
        total += best * (before - max(cost, 0.0))
    return total
