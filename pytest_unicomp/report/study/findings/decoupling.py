"""Tests if performance says little about reliability: rank correlation over recipes, overall and by dimension, freed from measurement noise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

from pytest_unicomp.report import words
from pytest_unicomp.report.scores.formulas import PERFORMANCE, RELIABILITY
from pytest_unicomp.report.study.findings.finding import Bounds, Claimed, Finding
from pytest_unicomp.report.study.findings.normal import quantile, stderr
from pytest_unicomp.report.study.records import ScoreCell, Study, StudyCell
from pytest_unicomp.report.study.spread import mean_interval

FEWEST_RECIPES: Final = 5
# Below it the ranks of one explain less than half of the variance of the other's.
COUPLED: Final = 0.7
# The least share of a score's variance over recipes that may not be noise.
LEAST_RELIABLE: Final = 0.5


@dataclass(frozen=True)
class Relation:
    """One model's rank correlation over `recipes` recipes, and the factor by which noise has drawn it towards 0."""

    correlation: float
    recipes: int
    attenuation: float


def decoupling(study: Study) -> Iterator[Finding]:
    """Yield the correlation of mean performance with mean reliability and with each of its dimensions: of each model, and of all."""
    for names in (RELIABILITY, *((name,) for name in RELIABILITY)):
        what = "reliability" if len(names) > 1 else words.SCORES[names[0]]
        claimed = Claimed(
            claim=f"performance says little about {what}",
            statistic="0.7 - Spearman's correlation over recipes, without noise",
            needs=f"{FEWEST_RECIPES} compressed recipes of a model with scores of both, that differ by more than their noise",
        )
        found = {model.name: _relation(study, model.name, names) for model in study.models}
        if len(found) > 1:
            yield _pooled(claimed, "all models", list(found.values()), study.confidence)
        for model, one in found.items():
            yield _pooled(claimed, model, [one], study.confidence)


def _pooled(claimed: Claimed, about: str, found: Sequence[Relation | str], confidence: float) -> Finding:
    """Average the models' correlations on Fisher's scale, weighted by recipes - 3; variance 1.06 / sum of weights.

    Sources: Fieller, Hartley & Pearson 1957, Biometrika 44, 470-481; for noise, Spearman 1904, American Journal of Psychology 15, 72-101.
    """
    known = [one for one in found if isinstance(one, Relation)]
    if not known:
        return claimed.missing(about, "; ".join(dict.fromkeys(one for one in found if isinstance(one, str))))
    weights = [one.recipes - 3 for one in known]
    whole = sum(weights)
    middle = sum(weight * math.atanh(max(-0.999, min(0.999, one.correlation))) for weight, one in zip(weights, known, strict=True)) / whole
    width = quantile((1 + confidence) / 2) * math.sqrt(1.06 / whole)
    factor = sum(weight * one.attenuation for weight, one in zip(weights, known, strict=True)) / whole
    low, value, high = (max(-1.0, min(1.0, math.tanh(end) / factor)) for end in (middle - width, middle, middle + width))
    interval: Bounds = (COUPLED - high, COUPLED - low)
    return claimed.read(about, COUPLED - value, interval, recipes=sum(one.recipes for one in known), models=len(known))


def _relation(study: Study, model: str, names: Sequence[str]) -> Relation | str:
    """Return the correlation over a model's compressed recipes, or what is missing."""
    cells = [cell for cell in study.cells if cell.model == model and cell.family != "none" and cell.scores]
    pairs = [(one, other) for cell in cells if (one := _mean(cell, PERFORMANCE, cells)) and (other := _mean(cell, names, cells))]
    if len(pairs) < FEWEST_RECIPES:
        return f"{len(pairs)} recipes have both with intervals"
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    reliable = [_reliability(side, study.confidence) for side in sides]
    if min(reliable) < LEAST_RELIABLE:
        return "the recipes differ by no more than the noise of their scores"
    from scipy.stats import spearmanr

    values = [[score.value for score in side] for side in sides]
    return Relation(float(spearmanr(*values).statistic), len(pairs), math.sqrt(reliable[0] * reliable[1]))


def _mean(cell: StudyCell, names: Sequence[str], cells: Sequence[StudyCell]) -> ScoreCell | None:
    """Return the mean of the scores that all recipes of the model have, None if there is none or one has no interval."""
    shared = [name for name in names if all(name in other.scores for other in cells)]
    if not shared:
        return None
    values = [cell.scores[name].value for name in shared]
    interval = mean_interval(values, [cell.scores[name].interval for name in shared])
    return None if interval is None else ScoreCell(value=fmean(values), interval=interval)


def _reliability(scores: Sequence[ScoreCell], confidence: float) -> float:
    """Return the share of the variance over recipes that is not that of the scores' own errors, at least 0."""
    spread = variance(score.value for score in scores)
    errors = [stderr(bounds, confidence) for score in scores if (bounds := score.interval) is not None]
    return max(0.0, 1 - fmean(error**2 for error in errors) / spread) if spread > 0 else 0.0
