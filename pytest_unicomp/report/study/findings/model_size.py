"""Tests if larger models keep more: the slope of quality, and of perplexity kept, on the logarithm of the number of parameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Final

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.wording import counted
from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding
from pytest_unicomp.report.study.findings.normal import stderr
from pytest_unicomp.report.study.records import Study, StudyCell, StudyModel

FEWEST_MODELS: Final = 3
# Points per tenfold of parameters; less is no gain worth having.
LEAST: Final = 1.0
Value = tuple[float, Bounds]


def model_size(study: Study) -> Iterator[Finding]:
    """Yield the slope of what the recipes that all models have keep on average, per tenfold of parameters."""
    for what, claim, read in (
        ("quality", "larger models keep more quality", _quality),
        ("perplexity", "larger models keep perplexity better", _perplexity),
    ):
        claimed = Claimed(
            claim=claim,
            statistic=f"points of {what} kept per tenfold of parameters",
            needs=f"1 compressed recipe of {FEWEST_MODELS} models of different size, with {what} measured alike",
        )
        yield _slope(claimed, study, read)


def slope(sizes: Sequence[float], values: Sequence[float], errors: Sequence[float], confidence: float) -> tuple[float, Bounds]:
    """Return the slope of values on log10 of sizes, by least squares, with Student's interval of n - 2 degrees of freedom.

    Its variance is that of the residuals or, if that is less, the mean square of the values' own errors: with few models residuals may be small
    by chance. Needs 3 models, of at least two sizes.
    """
    places = [math.log10(size) for size in sizes]
    centre, level = fmean(places), fmean(values)
    spread = math.fsum((place - centre) ** 2 for place in places)
    found = math.fsum((place - centre) * (value - level) for place, value in zip(places, values, strict=True)) / spread
    residuals = [value - level - found * (place - centre) for place, value in zip(places, values, strict=True)]
    degrees = len(values) - 2
    variance = max(math.fsum(one**2 for one in residuals) / degrees, fmean(error**2 for error in errors))
    low, high = stats.t_interval(stats.Mean(found, math.sqrt(variance / spread), degrees), confidence=confidence)
    return found, (low, high)


def _slope(claimed: Claimed, study: Study, read: Callable[[StudyCell], Value | None]) -> Finding:
    by_recipe = {
        recipe: [found for model in study.models if (found := _of(study, model, recipe, read)) is not None]
        for recipe, family in study.recipes.items()
        if family != "none"
    }
    shared = [found for found in by_recipe.values() if len(found) == len(study.models)]
    sizes = [model.parameters for model in study.models]
    if len(study.models) < FEWEST_MODELS or len(set(sizes)) < 2 or min(sizes) < 1 or not shared:
        there = f"{counted(len(study.models), 'model')} with {counted(len(shared), 'such recipe')} in common"
        return claimed.missing("all models", there, recipes=len(shared), models=len(study.models))
    values = [fmean(own[place][0] for own in shared) for place in range(len(sizes))]
    # Recipes of a model share items, so their errors are averaged as if they were one.
    errors = [fmean(stderr(own[place][1], study.confidence) for own in shared) for place in range(len(sizes))]
    value, bounds = slope(sizes, values, errors, study.confidence)
    return claimed.read("all models", value, bounds, below=LEAST, recipes=len(shared), models=len(sizes))


def _of(study: Study, model: StudyModel, recipe: str, read: Callable[[StudyCell], Value | None]) -> Value | None:
    cell = study.cell(model.name, recipe)
    return None if cell is None else read(cell)


def _quality(cell: StudyCell) -> Value | None:
    return None if cell.quality is None or cell.quality.interval is None else (cell.quality.value, cell.quality.interval)


def _perplexity(cell: StudyCell) -> Value | None:
    """Return the perplexity kept on a cell's only benchmark of language modelling, if it is compared between models."""
    marked = any(kept.marked for kept in cell.kept if kept.capability == "language_modeling")
    found = [(one.kept, one.interval) for one in cell.perplexities if one.interval is not None]
    return None if marked or len(found) != 1 else found[0]
