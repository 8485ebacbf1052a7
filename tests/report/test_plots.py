import itertools
import math
import re

import pytest

from pytest_unicomp.api.records import Point, Report
from pytest_unicomp.api.vocabulary import SCORES
from pytest_unicomp.report import pareto_plot, radar
from pytest_unicomp.report.matrix import matrix
from pytest_unicomp.report.plots import Sheet
from tests.report import toy_report


def drawn(
    scores: dict[str, float | None],
    intervals: dict[str, tuple[float, float]] | None = None,
    name: str = "r",
    bases: dict[str, str] | None = None,
) -> radar.Radar:
    recipe, checks = toy_report.judge_recipe(name, "pruning", True, {"knowledge": 0.0}, bits=4, seed=0)
    recipe = recipe.model_copy(update={"scores": scores, "score_intervals": intervals or {}, "score_basis": bases or {}})
    report = toy_report.report([(recipe, checks)])
    (found,) = radar.radars(report, matrix(report).rows)
    return found


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


def test_a_plot_carries_no_style_no_foreign_id_and_no_markup_of_a_name() -> None:
    found = drawn(dict.fromkeys(SCORES, 90.0), name="<script>$x$</script>")
    assert not re.search(r"style=|<script|<use|href|<style|<defs", found.plot)
    assert re.findall(r'id="([^"]+)"', found.plot) == ["radar-1-title", "radar-1-text"]
    assert "&lt;script&gt;$x$&lt;/script&gt;" in found.plot


@pytest.mark.parametrize("name", ["$\\frac{1}{2}$", "a_b^c", "שלום", "模型-4bit", "a&b <i>", "-1.5"])
def test_text_of_a_plot_is_written_as_it_is(name: str) -> None:
    sheet = Sheet(100, 100)
    sheet.text("label", (50, 40), name, "end")
    plot = sheet.markup("radar", "p", "t", "d")
    shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert f'<text class="label" x="50" y="60" text-anchor="end">{shown}</text>' in plot


def costs(*points: tuple[str, float, int, float | None, bool], cheapest: str | None = None) -> Report:
    told = [
        Point(recipe=name, quality=quality, bytes=size, seconds=seconds, compress_seconds=0.0, front=front_)
        for name, quality, size, seconds, front_ in points
    ]
    return toy_report.report([], pareto=told, cheapest=cheapest)


def test_every_recipe_is_a_dot_filled_where_nothing_beats_it() -> None:
    report = costs(("a", 99.0, 3_000_000, 0.2, True), ("b", 60.0, 2_000_000, 0.1, True), ("c", 58.0, 4_000_000, 0.3, False))
    size, speed = pareto_plot.pareto_plots(report)
    for plot in (size, speed):
        assert (len(dots(plot)), len(dots(plot, "hollow"))) == (2, 1)
    (a, b), (c,) = dots(size), dots(size, "hollow")
    assert b[0] < a[0] < c[0]
    assert a[1] < b[1] < c[1]
    assert "c: quality 58.0, 4.0 MB" in size


def test_a_cost_that_not_all_recipes_have_is_not_drawn() -> None:
    report = costs(("a", 99.0, 3_000_000, 0.2, True), ("b", 60.0, 2_000_000, None, True))
    assert len(pareto_plot.pareto_plots(report)) == 1
    assert pareto_plot.pareto_plots(costs(("a", 99.0, 3_000_000, 0.2, True))) == ()


def test_recipes_that_all_keep_everything_are_drawn_on_one_height() -> None:
    (plot,) = pareto_plot.pareto_plots(costs(("a", 100.0, 3_000_000, None, True), ("b", 100.0, 2_000_000, None, True)))
    assert len({y for _, y in dots(plot)}) == 1
    assert len(dots(plot)) == 2


def test_names_never_lie_on_each_other_and_the_chosen_one_comes_first() -> None:
    crowd = [(f"recipe-{index}", 90.0 + 0.01 * index, 2_000_000 + 100 * index, None, True) for index in range(19)]
    (plot,) = pareto_plot.pareto_plots(costs(*crowd, cheapest="recipe-7"))
    assert len(dots(plot)) == 19
    named = re.findall(r'<text class="(?:label|chosen)"[^>]*>(recipe-\d+)', plot)
    assert 1 <= len(named) < 19
    assert "recipe-7" in named


@pytest.mark.parametrize(("low", "high"), [(0, 4_332_080), (63.7, 100), (99.91, 100), (0, 0.131), (-40, 350), (100, 100)])
def test_ticks_are_round_and_enclose_what_is_drawn(low: float, high: float) -> None:
    ticks = pareto_plot._round_steps(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high * (1 - 1e-9)
    assert 2 <= len(ticks) <= 8 or low == high
    steps = {round(after - before, 9) for before, after in itertools.pairwise(ticks)}
    assert len(steps) <= 1
