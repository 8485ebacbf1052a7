"""Reports -> Study: the matrix of recipes and models, with scores, retention and perplexity, and marks on what is not comparable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

from pytest_unicomp.api.records import CapabilityVerdict, Check, RecipeVerdict
from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report.numbers import NATS
from pytest_unicomp.report.scores.formulas import PERFORMANCE, RELIABILITY
from pytest_unicomp.report.scores.quality import CAPABILITY
from pytest_unicomp.report.study.comparable import OPTIONS, differing_capability, differing_options, differing_recipe
from pytest_unicomp.report.study.records import Differing, Kept, ModelClass, Perplexity, ScoreCell, Study, StudyCell, StudyModel
from pytest_unicomp.report.study.sources import Source
from pytest_unicomp.report.study.spread import mean_interval, score_interval

QUALITY: Final = (*PERFORMANCE, *RELIABILITY)
EFFICIENCY_SCORES: Final = "efficiency scores"


def study(models: Sequence[Source], classes: Mapping[str, ModelClass]) -> Study:
    """Put reports side by side; `classes` gives models by name their class. Raises UsageProblem if scores or intervals mean different things."""
    options = differing_options(models)
    families = {row.recipe: row.family for model in models for row in model.report.recipes}
    differing = [*options, *_pool(models), *(found for recipe in families for found in _of_recipe(recipe, models))]
    marks = _Marks(differing)
    cells = [_cell(model, row, marks) for model in models for row in model.report.recipes]
    shared = [
        name for name in QUALITY if cells and all(name in cell.scores and cell.scores[name].marked is None for cell in cells if cell.scores)
    ]
    return Study(
        confidence=models[0].confidence,
        models=[
            StudyModel(
                name=model.name,
                file=model.file,
                fingerprint=model.reference.fingerprint,
                parameters=model.reference.parameters,
                bytes=model.reference.bytes,
                model_class=classes.get(model.name),
            )
            for model in models
        ],
        recipes=families,
        cells=[cell.model_copy(update={"quality": _quality(cell, shared)}) for cell in cells],
        differing=differing,
        shared=shared,
    )


class _Marks:
    """Says of a recipe's capability why it is not compared between models."""

    def __init__(self, differing: Sequence[Differing]) -> None:
        self._fields = {found.about: found.field for found in reversed(differing) if found.effect == "marked"}

    def of(self, recipe: str, capability: str | None) -> str | None:
        """Return the mark of a quality capability, or of the efficiency scores (None)."""
        abouts = (OPTIONS, recipe, f"{recipe}, {capability}") if capability else (EFFICIENCY_SCORES,)
        field = next((self._fields[about] for about in abouts if about in self._fields), None)
        return None if field is None else f"{field} differs between the models"


def _pool(models: Sequence[Source]) -> list[Differing]:
    """Return that the efficiency scores, which are against the best of a run's recipes, have other recipes to be against."""
    values = {model.name: ", ".join(sorted(row.recipe for row in model.report.recipes)) for model in models}
    return [Differing(field="recipes", about=EFFICIENCY_SCORES, values=values, effect="marked")] if len(set(values.values())) > 1 else []


def _of_recipe(recipe: str, models: Sequence[Source]) -> list[Differing]:
    rows = {model.name: row for model in models for row in model.report.recipes if row.recipe == recipe}
    if len(rows) < 2:
        return []
    capabilities = dict.fromkeys(pooled.capability for row in rows.values() for pooled in row.capabilities)
    return [
        *differing_recipe(recipe, rows),
        *(found for capability in capabilities for found in differing_capability(recipe, capability, models)),
    ]


def _cell(model: Source, row: RecipeVerdict, marks: _Marks) -> StudyCell:
    checks = [check for check in model.report.checks if check.recipe == row.recipe]
    scores = {
        name: ScoreCell(value=value, interval=score_interval(row, name, checks), marked=marks.of(row.recipe, CAPABILITY.get(name)))
        for name in SCORES
        if (value := row.scores.get(name)) is not None
    }
    return StudyCell(
        model=model.name,
        recipe=row.recipe,
        family=row.family,
        verdict=row.verdict,
        scores=scores,
        kept=[_kept(pooled, checks, marks.of(row.recipe, pooled.capability)) for pooled in row.capabilities],
        perplexities=[found for check in checks if (found := _perplexity(check)) is not None],
    )


def _kept(pooled: CapabilityVerdict, checks: Sequence[Check], marked: str | None) -> Kept:
    """Return the retention with the paired difference's interval over the reference's mean value, if larger is better."""
    own = [check for check in checks if check.benchmark in pooled.benchmarks and check.question == "retention"]
    values = [check.reference.value for check in own if check.higher_is_better and check.reference.value is not None]
    interval = None
    if pooled.interval is not None and pooled.difference is not None and pooled.retention is not None and len(values) == len(own) > 0:
        whole = fmean(values)
        if whole > 0:
            low, high = ((bound - pooled.difference) / whole for bound in pooled.interval)
            interval = (pooled.retention + low, pooled.retention + high)
    return Kept(
        capability=pooled.capability,
        benchmarks=pooled.benchmarks,
        retention=pooled.retention,
        interval=interval,
        verdict=pooled.verdict,
        marked=marked,
    )


def _perplexity(check: Check) -> Perplexity | None:
    """Return exp(nats per token) on both sides; 100 x exp(difference) is kept, since the difference is reference - candidate in nats."""
    before, after = check.reference.value, check.candidate.value
    if check.question != "retention" or check.metric != NATS or before is None or after is None or check.difference is None:
        return None
    # exp of more has no float64.
    if max(before, after) > 700:
        return None
    bounds = check.interval
    return Perplexity(
        benchmark=check.benchmark,
        reference=math.exp(before),
        candidate=math.exp(after),
        kept=100 * math.exp(check.difference),
        interval=None if bounds is None else (100 * math.exp(bounds[0]), 100 * math.exp(bounds[1])),
    )


def _quality(cell: StudyCell, shared: Sequence[str]) -> ScoreCell | None:
    if not shared or not cell.scores:
        return None
    values = [cell.scores[name].value for name in shared]
    return ScoreCell(value=fmean(values), interval=mean_interval(values, [cell.scores[name].interval for name in shared]))
