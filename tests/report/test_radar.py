"""Radar plots."""

from __future__ import annotations

import math
import re

import pytest

from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import radar
from pytest_unicomp.report.matrix import matrix
from tests.report import toy_report
from tests.report.toy_radar import drawn


def dots(plot: str, kind: str = "dot") -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(rf'<circle class="{kind}" cx="([\d.]+)" cy="([\d.]+)"', plot)]


def parts(plot: str, kind: str) -> list[int]:
    """The number of lines in each part of a mark: "M0 0L1 1L2 2M5 5L6 6" has 2 and 1."""
    return [part.count("L") for drawn in re.findall(rf'<path class="{kind}" d="([^"]+)"', plot) for part in drawn.split("M")[1:]]


def test_a_radar_has_thirteen_axes_in_the_papers_order() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0))
    assert re.findall(r'<text class="label"[^>]*>([^<]+)', found.plot) == list(radar.words.SCORES.values())
    assert len(dots(found.plot)) == 13
    assert parts(found.plot, "edge") == [13]
    assert parts(found.plot, "axis") == [1] * 13
    assert parts(found.plot, "void") == []
    assert found.missing == ()


def test_an_axis_that_was_not_measured_leaves_a_gap_and_is_named() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0) | {"S_SAFE": None, "S_FAIR": None})
    assert found.missing == ("safety", "fairness")
    assert parts(found.plot, "edge") == [10]
    assert parts(found.plot, "void") == [1, 1]
    assert len(dots(found.plot)) == 11
    assert re.findall(r'<text class="unknown"[^>]*>([^<]+)', found.plot) == ["safety –", "fairness –"]
    assert "safety not measured" in found.plot


def test_an_axis_that_was_measured_and_has_no_ratio_is_told_apart() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0) | {"S_SAFE": None, "S_FAIR": None}, bases={"S_SAFE": "the paper's cells"})
    assert (found.missing, found.unanchored) == (("fairness",), ("safety",))
    assert "safety measured, without a ratio to the reference; fairness not measured" in found.plot


def test_a_lone_axis_is_a_dot_and_no_shape() -> None:
    found = drawn(dict.fromkeys(SCORES, None) | {"S_K": 80.0, "S_R": 70.0, "S_CC": 60.0})
    assert len(dots(found.plot)) == 3
    # Compute cost and knowledge are neighbours across the top; reasoning stands alone.
    assert parts(found.plot, "edge") == [1]


def test_a_score_beyond_the_rim_stays_on_it_and_100_keeps_its_place() -> None:
    found = drawn(dict.fromkeys(SCORES, 100.0) | {"S_K": 4000.0, "S_Mul": -5.0})
    reach = [math.dist(dot, (radar.CENTRE[0], radar.HEIGHT - radar.CENTRE[1])) for dot in dots(found.plot)]
    assert reach[0] == pytest.approx(radar.RADIUS, abs=0.2)
    assert reach[1] == pytest.approx(0, abs=0.2)
    assert reach[2] == pytest.approx(radar.RADIUS * 100 / radar.LARGEST_RIM, abs=0.2)


def test_only_scores_with_an_interval_have_a_bar() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0), {"S_K": (85.0, 94.0), "S_ETH": (70.0, 99.0)})
    assert parts(found.plot, "spread") == [1, 1]
    assert "knowledge 90.0 (85.0 to 94.0)" in found.plot


def test_recipes_without_any_score_have_no_radar() -> None:
    report = toy_report.report([toy_report.judge_recipe("r", "pruning", True, {"knowledge": 0.0}, bits=4, seed=0)])
    assert radar.radars(report, matrix(report).rows) == ()
