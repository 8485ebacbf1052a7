"""Sums perplexity up over models and their classes, as the paper's Table 7 does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from pytest_unicomp.report.study.records import Study, StudyModel

UNCLASSED = "class not given"
OVERALL = "mean of the classes"


@dataclass(frozen=True)
class Summary:
    """How much perplexity a recipe keeps in a class of models: 100 x mean reference perplexity / mean candidate perplexity, over `models`."""

    benchmark: str
    recipe: str
    model_class: str
    models: tuple[str, ...]
    kept: float


def summaries(study: Study) -> list[Summary]:
    """Return one summary per benchmark, recipe and class, and the mean of the classes where there are several.

    A ratio of means, not a mean of ratios: the models with the largest perplexity weigh most (arXiv 2602.09130, perplexity table). A recipe is
    summed up over the models that have it, and `models` names them.
    """
    found: list[Summary] = []
    for benchmark in dict.fromkeys(one.benchmark for cell in study.cells for one in cell.perplexities):
        for recipe in study.recipes:
            own = list(_by_class(study, benchmark, recipe))
            found += own
            if len(own) > 1:
                names = tuple(name for one in own for name in one.models)
                found.append(Summary(benchmark, recipe, OVERALL, names, fmean(one.kept for one in own)))
    return found


def _by_class(study: Study, benchmark: str, recipe: str) -> Iterator[Summary]:
    for kind in dict.fromkeys(_class(model) for model in study.models):
        pairs = [
            (model.name, one.reference, one.candidate)
            for model in study.models
            if _class(model) == kind and (cell := study.cell(model.name, recipe)) is not None
            for one in cell.perplexities
            if one.benchmark == benchmark
        ]
        if pairs:
            kept = 100 * fmean(before for _, before, _ in pairs) / fmean(after for _, _, after in pairs)
            yield Summary(benchmark, recipe, kind, tuple(name for name, _, _ in pairs), kept)


def benchmarks(study: Study) -> Sequence[str]:
    """Return the benchmarks of language modelling that any cell has."""
    return list(dict.fromkeys(one.benchmark for cell in study.cells for one in cell.perplexities))


def _class(model: StudyModel) -> str:
    return model.model_class or UNCLASSED
