"""The Pareto front of quality and costs over a run's recipes, and the smallest recipe that passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from pytest_unicomp.api.records import Check, Point, RecipeVerdict
from pytest_unicomp.report.scores.formulas import PERFORMANCE, RELIABILITY

LATENCY = "decode-latency"


def points(recipes: Sequence[RecipeVerdict], checks: Sequence[Check]) -> list[Point]:
    """Return a point per recipe with quality scores and bytes; `front`: no other recipe is at least as good in everything and better in one.

    Quality is the mean of the quality scores that all these recipes have. Costs are bytes, seconds to compress and, if all recipes were
    timed, decode seconds.
    """
    seconds = {check.recipe: check.candidate.value for check in checks if check.benchmark == LATENCY and check.verdict != "error"}
    known: list[tuple[RecipeVerdict, Mapping[str, float]]] = []
    for recipe in recipes:
        own = {name: value for name in (*PERFORMANCE, *RELIABILITY) if (value := recipe.scores.get(name)) is not None}
        if own and recipe.artifact is not None and recipe.artifact.bytes is not None:
            known.append((recipe, own))
    if not known:
        return []
    shared = set.intersection(*(set(own) for _, own in known))
    if not shared:
        return []
    timed = all(seconds.get(recipe.recipe) is not None for recipe, _ in known)
    found = [
        Point(
            recipe=recipe.recipe,
            quality=fmean(own[name] for name in sorted(shared)),
            bytes=recipe.artifact.bytes if recipe.artifact and recipe.artifact.bytes else 0,
            seconds=seconds.get(recipe.recipe) if timed else None,
            compress_seconds=(recipe.artifact.compress_seconds or 0.0) if recipe.artifact else 0.0,
            front=False,
        )
        for recipe, own in known
    ]
    return [point.model_copy(update={"front": not any(_beats(other, point) for other in found)}) for point in found]


def cheapest(recipes: Sequence[RecipeVerdict]) -> str | None:
    """Return the recipe with the fewest bytes among compressed recipes that pass with a capability measured; None if there is none."""
    proven = [recipe for recipe in recipes if recipe.verdict == "pass" and recipe.capabilities and recipe.family != "none"]
    sized = [
        (recipe.artifact.bytes, recipe.recipe) for recipe in proven if recipe.artifact is not None and recipe.artifact.bytes is not None
    ]
    return min(sized)[1] if sized else None


def _beats(one: Point, other: Point) -> bool:
    better = [one.quality - other.quality, other.bytes - one.bytes, other.compress_seconds - one.compress_seconds]
    if one.seconds is not None and other.seconds is not None:
        better.append(other.seconds - one.seconds)
    return all(value >= 0 for value in better) and any(value > 0 for value in better)
