"""Claims about scores: the known answer is found in simulated studies, and a wrong one no more often than alpha (5 %) says."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_unicomp.report.study.findings.decoupling import decoupling
from pytest_unicomp.report.study.findings.knowledge_bias import knowledge_bias
from pytest_unicomp.report.study.findings.model_size import model_size, slope
from tests.report.study.findings.toy_findings import rate, study

# Of 400 simulated studies: three standard errors above 5 %.
TIMES, AT_MOST = 400, 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def biased(by: float, rng):
    recipes = {f"r{place}": {"S_K": 90 - place, "S_R": 90 - place - by} for place in range(3)}
    return next(iter(knowledge_bias(study({"a": recipes, "b": recipes}, rng))))


@pytest.mark.parametrize(("by", "answer"), [(10, "holds"), (-10, "does not hold")])
def test_a_knowledge_bias_is_found_in_either_direction(by, answer):
    assert rate(answer, 100, lambda rng: biased(by, rng)) > 0.95


@pytest.mark.parametrize("answer", ["holds", "does not hold"])
def test_a_knowledge_bias_of_nothing_is_seldom_claimed(answer):
    assert rate(answer, TIMES, lambda rng: biased(0, rng)) <= AT_MOST


def test_the_bias_is_the_mean_over_recipes_and_models_and_each_model_has_its_own():
    found = list(
        knowledge_bias(
            study({"a": {"r": {"S_K": 90, "S_R": 70}}, "b": {"r": {"S_K": 90, "S_R": 80}}}, np.random.default_rng(0), error=1e-9)
        )
    )
    told = {one.about: one for one in found if one.claim == "knowledge is kept better than reasoning"}
    assert {about: round(one.value or 0, 6) for about, one in told.items()} == {"all models": 15, "a": 20, "b": 10}
    assert (told["all models"].recipes, told["all models"].models) == (2, 2)
    missing = [one for one in found if one.claim == "knowledge is kept better than other languages"]
    assert {one.answer for one in missing} == {"cannot tell"}
    assert all("needs 1 compressed recipe of 1 model with S_K and S_Mul" in one.reason for one in missing)


def related(correlation: float, recipes: int, rng, error: float = 2.0):
    models = {}
    for model in "ab":
        first = rng.normal(0, 1, recipes)
        second = correlation * first + math.sqrt(1 - correlation**2) * rng.normal(0, 1, recipes)
        models[model] = {f"r{place}": {"S_K": 80 + 8 * first[place], "S_SAFE": 80 + 8 * second[place]} for place in range(recipes)}
    return next(iter(decoupling(study(models, rng, error=error))))


def test_scores_without_relation_are_called_decoupled():
    assert rate("holds", 100, lambda rng: related(0.0, 16, rng)) > 0.9


def test_scores_that_go_together_are_never_called_decoupled_because_of_noise():
    # Noise of 6 points against a spread of 8 draws a correlation of 0.95 to 0.61, which many recipes would tell from 0.7.
    assert rate("holds", 60, lambda rng: related(0.95, 80, rng, error=6.0)) <= 0.05
    assert rate("does not hold", 100, lambda rng: related(0.99, 16, rng)) > 0.9


@pytest.mark.parametrize("answer", ["holds", "does not hold"])
def test_at_the_limit_of_coupling_either_answer_is_seldom(answer):
    # Spearman's correlation of normal values with Pearson's 0.717 is 0.7.
    assert rate(answer, TIMES, lambda rng: related(0.717, 14, rng, error=1.0)) <= AT_MOST


def test_few_recipes_or_mere_noise_cannot_tell():
    assert "4 recipes have both" in related(0.0, 4, np.random.default_rng(0)).reason
    alike = {f"r{place}": {"S_K": 80.0, "S_SAFE": 80.0} for place in range(8)}
    found = next(iter(decoupling(study({"a": alike}, np.random.default_rng(0)))))
    assert found.answer == "cannot tell"
    assert "no more than the noise" in found.reason


def sized(points: float, rng, models: int = 4):
    truths = {f"m{place}": {"r": {"quality": 80 + points * place}} for place in range(models)}
    return next(iter(model_size(study(truths, rng, error=0.5))))


@pytest.mark.parametrize(("points", "answer"), [(4.0, "holds"), (-3.0, "does not hold")])
def test_the_slope_on_size_is_found(points, answer):
    assert rate(answer, 100, lambda rng: sized(points, rng)) > 0.95


def test_no_slope_is_seldom_called_one_and_a_worthwhile_one_seldom_denied():
    assert rate("holds", TIMES, lambda rng: sized(0.0, rng)) <= AT_MOST
    assert rate("does not hold", TIMES, lambda rng: sized(1.0, rng)) <= AT_MOST


def test_the_slope_is_per_tenfold_and_needs_three_models():
    value, (low, high) = slope([1e6, 1e7, 1e8], [80, 82, 84], [0.0, 0.0, 0.0], 0.9)
    assert (value, low, high) == pytest.approx((2, 2, 2))
    assert "2 models" in sized(5.0, np.random.default_rng(0), models=2).reason
