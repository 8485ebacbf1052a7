"""A study puts reports side by side, says what is not comparable, and compares nothing else."""

from __future__ import annotations

import math

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.report.study import study
from pytest_unicomp.report.study.perplexity import OVERALL, summaries
from tests.report.study import toy_study


def test_models_stand_by_size_and_quality_is_the_mean_of_the_shared_scores(tmp_path):
    large = toy_study.report("large", 7_000_000_000, {"gptq-w4a16": {"S_K": 99.0, "S_R": 91.0, "S_IF": 80.0}})
    small = toy_study.report("small", 1_000_000, {"gptq-w4a16": {"S_K": 90.0, "S_R": 50.0}})
    made = study(toy_study.sourced(tmp_path, large, small), {"large": "thinking"})
    assert [(model.name, model.model_class) for model in made.models] == [("small", None), ("large", "thinking")]
    assert made.shared == ["S_K", "S_R"]
    quality = made.cell("large", "gptq-w4a16").quality
    assert quality.value == 95.0
    # The mean of two independent values with half-widths of 2: sqrt(4 + 4) / 2.
    assert quality.interval == pytest.approx((95 - math.sqrt(2), 95 + math.sqrt(2)))


def test_a_score_without_spread_takes_the_interval_of_its_checks(tmp_path):
    made = study(toy_study.sourced(tmp_path, toy_study.report("m", 1000, width=0)), {})
    [source] = toy_study.sourced(tmp_path, toy_study.report("m", 1000, width=0))
    [check] = [check for check in source.report.checks if check.capability == "knowledge" and check.question == "retention"]
    low, high = made.cell("m", "gptq-w4a16").scores["S_K"].interval
    assert high - low == pytest.approx(100 * (check.interval[1] - check.interval[0]) / check.reference.value)
    assert low < 96.0 < high


def test_retention_has_the_paired_interval_over_the_reference(tmp_path):
    [source] = toy_study.sourced(tmp_path, toy_study.report("m", 1000))
    made = study([source], {})
    [kept] = [kept for kept in made.cells[0].kept if kept.capability == "reasoning"]
    [check] = [check for check in source.report.checks if check.capability == "reasoning"]
    [pooled] = [pooled for pooled in source.report.recipes[0].capabilities if pooled.capability == "reasoning"]
    assert kept.interval[1] - kept.interval[0] == pytest.approx((pooled.interval[1] - pooled.interval[0]) / check.reference.value)
    assert kept.interval[0] < kept.retention < kept.interval[1]


@pytest.mark.parametrize(("option", "value"), [("scoring", "paper"), ("confidence", 0.8)])
def test_other_meanings_of_a_score_are_refused_by_the_field(tmp_path, option, value):
    models = toy_study.sourced(tmp_path, toy_study.report("a", 1), toy_study.report("b", 2, **{option: value}))
    with pytest.raises(UsageProblem, match=f"{option} is .* in .*r1.json and .*{value} in .*r2.json"):
        study(models, {})


@pytest.mark.parametrize(
    ("option", "value", "effect"), [("limit", 50, "noted"), ("temperature", "0.7", "marked"), ("judge", "server:x", "noted")]
)
def test_other_options_are_named_with_their_effect(tmp_path, option, value, effect):
    made = study(toy_study.sourced(tmp_path, toy_study.report("a", 1), toy_study.report("b", 2, **{option: value})), {})
    [found] = [one for one in made.differing if one.about == "options"]
    assert (found.field, found.effect, found.values["b"]) == (option, effect, str(value))
    marked = {score.marked for cell in made.cells for score in cell.scores.values()}
    assert marked == ({f"{option} differs between the models"} if effect == "marked" else {None})
    assert bool(made.shared) == (effect == "noted")


@pytest.mark.parametrize("changed", ["benchmark", "metric", "judge"])
def test_a_capability_that_rests_on_other_things_is_marked_and_no_other(tmp_path, changed):
    other = toy_study.report("b", 2)
    checks = [check.model_copy(update={changed: "another"}) if check.capability == "reasoning" else check for check in other.checks]
    made = study(toy_study.sourced(tmp_path, toy_study.report("a", 1), other.model_copy(update={"checks": checks})), {})
    field = "benchmarks" if changed == "benchmark" else changed
    assert [(one.about, one.field) for one in made.differing] == [("gptq-w4a16, reasoning", field)]
    assert made.shared == ["S_K"]
    assert {kept.capability for cell in made.cells for kept in cell.kept if kept.marked} == {"reasoning"}


def test_other_calibration_text_marks_the_recipe(tmp_path):
    other = toy_study.report("b", 2)
    row = other.recipes[0]
    text = row.calibration.model_copy(update={"mixture": "reasoning", "samples": 4})
    other = other.model_copy(update={"recipes": [row.model_copy(update={"calibration": text})]})
    made = study(toy_study.sourced(tmp_path, toy_study.report("a", 1), other), {})
    assert {(one.field, one.effect) for one in made.differing} == {("calibration.mixture", "marked"), ("calibration.samples", "noted")}
    assert made.shared == []


def test_the_same_model_twice_is_refused_with_both_files(tmp_path):
    with pytest.raises(UsageProblem, match=r"r1.json and .*r2.json are both of m"):
        toy_study.sourced(tmp_path, toy_study.report("m", 1), toy_study.report("m", 1))


def test_perplexity_is_summed_up_as_a_ratio_of_means_by_class(tmp_path):
    models = toy_study.sourced(tmp_path, *(toy_study.report(name, size) for size, name in enumerate("abc", start=1)))
    made = study(models, {"a": "base", "b": "base", "c": "thinking"})
    one = made.cells[0].perplexities[0]
    assert one.kept == pytest.approx(100 * one.reference / one.candidate)
    assert one.interval[0] < one.kept < one.interval[1]
    cells = [
        cell.model_copy(update={"perplexities": [one.model_copy(update={"reference": before, "candidate": after})]})
        for cell, (before, after) in zip(made.cells, ((4.0, 8.0), (6.0, 12.0), (9.0, 10.0)), strict=True)
    ]
    found = {one.model_class: one.kept for one in summaries(made.model_copy(update={"cells": cells}))}
    assert found == pytest.approx({"base": 50.0, "thinking": 90.0, OVERALL: 70.0})
