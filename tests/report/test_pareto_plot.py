"""Pareto plots."""

from __future__ import annotations

import itertools
import re

import pytest

from pytest_unicomp.api.records import Point, Report
from pytest_unicomp.report import pareto_plot
from tests.report import toy_report


def dots(plot: str, kind: str = "dot") -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(rf'<circle class="{kind}" cx="([\d.]+)" cy="([\d.]+)"', plot)]


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
