"""Quality scores of a run: formulas, bases and intervals that cover."""

from __future__ import annotations

import random

import pytest

from pytest_unicomp.benchmarks.performance.global_mmlu import LOW
from pytest_unicomp.report.scores import scores
from pytest_unicomp.report.scores.formulas import GROUPS
from pytest_unicomp.report.scores.quality import Score, ratio
from tests.toys import measurement


def pair(name, before, after, capability):
    sides = [measurement(side, artifact=mark * 8, benchmark=name) for side, mark in ((before, "a"), (after, "b"))]
    return tuple(side.model_copy(update={"capability": capability}) for side in sides)


def score(value, spread=1.0):
    return Score(value, (value - spread, value + spread), "toy", tuple(value + spread * (place / 50 - 1) for place in range(101)))


def test_lower_is_better_cells_turn_in_corrected_scoring_alone():
    base, row = {"ConfAIde": 50.0, "PA normal": 50.0, "PA aug": 50.0}, {"ConfAIde": 50.0, "PA normal": 50.0, "PA aug": 50.0}
    base, row = base | {"RtA": 60.0, "TD": 10.0, "CD": 20.0}, row | {"RtA": 60.0, "TD": 20.0, "CD": 40.0}
    # More disclosure raises the published score and lowers the corrected one.
    assert ratio(GROUPS["S_PRI"], row, base, "paper") == pytest.approx(100 * (1 + 120 / 90) / 2)
    assert ratio(GROUPS["S_PRI"], row, base, "corrected") == pytest.approx(100 * (1 + (60 + 80 + 60) / (60 + 90 + 80)) / 2)


def test_the_papers_cells_are_used_where_all_are_there_and_the_runs_own_where_not():
    right, worse = [1.0] * 8 + [0.0] * 2, [1.0] * 6 + [0.0] * 4
    names = ("mmlu", "arc_challenge", "arc_easy", "hellaswag", "piqa", "winogrande")
    whole = {name: pair(name, right, worse, "knowledge") for name in names}
    found = scores(whole, "paper", confidence=0.9)
    assert found["S_K"].value == pytest.approx(75)
    assert found["S_K"].basis == "the paper's cells"
    part = scores({"mmlu": whole["mmlu"]}, "paper", confidence=0.9)
    assert part["S_K"].value == pytest.approx(75)
    assert "not the paper's cells" in part["S_K"].basis
    assert set(part) == {"S_K"}


def test_the_interval_of_a_ratio_covers_what_is_true():
    # Reference right in 80 %, candidate in 60 %, independent of one another: the ratio is 0.75.
    draw, covered = random.Random(0), 0
    for trial in range(60):
        sides = [[float(draw.random() < rate) for _ in range(300)] for rate in (0.8, 0.6)]
        low, high = scores({"x": pair("x", *sides, "knowledge")}, "corrected", confidence=0.9, seed=trial)["S_K"].interval
        covered += low <= 75 <= high
    assert 47 <= covered <= 60


def test_what_nowhere_changed_has_no_interval_and_a_reference_of_nought_no_score():
    same = scores({"x": pair("x", [1.0] * 5, [1.0] * 5, "knowledge")}, "corrected", confidence=0.9)["S_K"]
    assert (same.value, same.interval) == (100, None)
    assert scores({"x": pair("x", [0.0] * 5, [1.0] * 5, "knowledge")}, "corrected", confidence=0.9)["S_K"].value is None


def test_languages_are_averaged_apart_where_all_of_them_were_measured():
    def pair(language):
        before = [float(number % 2) for number in range(20)]
        return tuple(measurement(kept, benchmark=f"global_mmlu_{language}") for kept in (before, [score / 2 for score in before]))

    found = scores({f"global_mmlu_{language}": pair(language) for language in LOW}, "corrected", confidence=0.9)
    assert found["S_L"].value == pytest.approx(50)
    assert "S_H" not in found
