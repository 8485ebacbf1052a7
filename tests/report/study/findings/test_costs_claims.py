"""Claims about costs and calibration: known answers are found, and what is missing is named."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.report.study.findings import findings
from pytest_unicomp.report.study.findings.calibration_target import calibration_target
from pytest_unicomp.report.study.findings.distillation import distillation
from pytest_unicomp.report.study.findings.pruning_speed import pruning_speed
from pytest_unicomp.report.study.findings.trade_off import area, trade_off
from tests.report import toy_report
from tests.report.study.findings.toy_findings import nothing, rate, report, source, study

MADE = {"artifact": {"compress_seconds": 100.0}}


@pytest.mark.parametrize(("distilled", "other", "answer"), [(0.4, 0.8, "holds"), (0.8, 0.4, "does not hold"), (0.8, 0.81, "cannot tell")])
def test_the_fastest_is_told_by_the_interval(distilled, other, answer):
    made = report([("minitron", "distillation", distilled, {}), ("gptq", "quantization", other, {}), ("slow", "pruning", 1.5, {})])
    found = next(iter(distillation(nothing(), [source(made)])))
    assert found.answer == answer
    assert found.value == pytest.approx(math.log(other / distilled))
    assert "decode-latency" in found.reason


@pytest.mark.parametrize(("seconds", "answer"), [(1000.0, "holds"), (150.0, "cannot tell"), (20.0, "does not hold")])
def test_the_dearest_is_told_by_a_factor_that_noise_cannot_make(seconds, answer):
    made = report(
        [("minitron", "distillation", 1.0, {"artifact": {"compress_seconds": seconds}}), ("gptq", "quantization", 1.0, dict(MADE))]
    )
    found = list(distillation(nothing(), [source(made)]))[1]
    assert (found.answer, found.value, found.interval) == (answer, seconds / 100, None)


def test_without_a_distilled_recipe_nothing_is_told():
    found = list(distillation(nothing(), [source(report([("gptq", "quantization", 0.5, {})]))]))
    assert {one.answer for one in found} == {"cannot tell"}
    assert "0 distilled and 1 other recipes were timed; needs 1 distilled" in found[0].reason


def test_over_models_a_claim_holds_only_if_it_holds_in_each():
    fast = source(report([("minitron", "distillation", 0.4, {}), ("gptq", "quantization", 0.8, {})]), "fast")
    slow = source(report([("minitron", "distillation", 0.8, {}), ("gptq", "quantization", 0.4, {})]), "slow")
    unknown = source(report([("gptq", "quantization", 0.8, {})]), "unknown")
    answers = [next(iter(distillation(nothing(), models))) for models in ([fast, fast], [fast, slow], [fast, unknown])]
    assert [one.answer for one in answers] == ["holds", "does not hold", "cannot tell"]
    assert "slow" in answers[1].reason
    assert "unknown" in answers[2].reason


@pytest.mark.parametrize(
    ("structured", "plain", "answers"),
    [(0.6, 1.0, ["holds", "holds"]), (0.93, 0.93, ["cannot tell", "cannot tell"]), (1.2, 0.7, ["does not hold", "does not hold"])],
)
def test_only_the_pattern_speeds_up(structured, plain, answers):
    made = report(
        [
            ("wanda-2of4", "pruning", structured, {"sparsity": 0.5, "pattern": "2:4"}),
            ("wanda-50", "pruning", plain, {"sparsity": 0.5, "pattern": "0:0"}),
            ("with-fp8", "pruning", 0.1, {"sparsity": 0.5, "pattern": "2:4", "scheme": "FP8_DYNAMIC"}),
        ]
    )
    found = list(pruning_speed(nothing(), [source(made)]))
    assert [one.answer for one in found] == answers
    assert [one.recipes for one in found] == [1, 1]


def gained(pruned: float, quantized: float, half: float = 0.005):
    made = report([("wanda-50", "pruning", 1.0, {}), ("awq", "quantization", 1.0, {})])
    [row] = [row for row in made.recipes if row.family == "pruning"]
    template = toy_report.told([row])["calibration_gains"][0]
    gains = [
        template.model_copy(
            update={"recipe": name, "capability": capability, "difference": value, "interval": (value - half, value + half)}
        )
        for name, value in (("wanda-50", pruned), ("awq", quantized))
        for capability, value in (("reasoning", value), ("knowledge", 9.9))
    ]
    return [one.answer for one in calibration_target(nothing(), [source(made.model_copy(update={"calibration_gains": gains}))])]


def test_gains_are_read_in_the_target_capability_by_family():
    assert gained(0.05, 0.0) == ["holds", "holds"]
    assert gained(0.0, 0.05) == ["does not hold", "does not hold"]
    assert gained(0.008, 0.005, half=0.01) == ["cannot tell", "cannot tell"]


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), max_size=6))
def test_the_area_is_that_of_the_rectangles(points):
    grid = (np.arange(20_000) + 0.5) / 20_000
    best = np.zeros(20_000)
    for cost, quality in points:
        best = np.maximum(best, np.where(grid >= cost, quality, 0.0))
    assert area(points) == pytest.approx(float(best.mean()), abs=1e-3)


def traded(quantized: float, pruned: float, rng):
    families = {"q": "quantization", "p": "pruning"}
    made = report(
        [("q", "quantization", 1.0, {"artifact": {"bytes": 2_950_000}}), ("p", "pruning", 1.0, {"artifact": {"bytes": 2_950_000}})]
    )
    truths = {"m": {"q": {"quality": quantized}, "p": {"quality": pruned}}}
    return list(itertools.islice(trade_off(study(truths, rng, families=families), [source(made)]), 2))


@pytest.mark.parametrize(("quantized", "pruned", "answer"), [(98, 70, "holds"), (70, 98, "does not hold")])
def test_the_better_trade_off_is_found_by_front_and_area(quantized, pruned, answer):
    front, areas = traded(quantized, pruned, np.random.default_rng(0))
    assert (front.answer, areas.answer) == (answer, answer)
    # Both have a quarter of the reference's bytes, so that each reaches three quarters of its quality.
    assert areas.value == pytest.approx(0.75 * (quantized - pruned) / 100, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["holds", "does not hold"])
def test_equal_families_are_seldom_told_apart(answer):
    assert rate(answer, 150, lambda rng: traded(90, 90, rng)[1]) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 150)


def test_an_empty_study_answers_no_claim_and_says_what_each_needs():
    found = findings(nothing(), [source(report([("dense", "none", 1.0, {})]))])
    assert {one.answer for one in found} == {"cannot tell"}
    assert all("needs" in one.reason and one.value is None for one in found)
    assert len({one.claim for one in found}) == 20


def test_timings_of_a_busy_machine_are_no_evidence():
    made = report([("minitron", "distillation", 0.4, {}), ("gptq", "quantization", 0.8, {})])
    busy = HostHealth(cores=2, busy_cores=2.0, others_busy_cores=1.9, load=9.0, megahertz=None)
    checks = [check.model_copy(update={"health": busy}) for check in made.checks]
    found = next(iter(distillation(nothing(), [source(made.model_copy(update={"checks": checks}))])))
    assert "0 distilled and 0 other recipes were timed" in found.reason
