"""The cells that have a baseline, those that are compared with it, and the files that no cell reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_unicomp.run.plan import Cell
from tests.run.toy_run import CELL, GOOD, ToyRun, made


@pytest.mark.parametrize(("drift", "before", "after"), [("auto", False, True), ("on", True, True), ("off", False, False)])
def test_a_cell_is_compared_as_the_option_says_or_if_there_is_a_baseline(tmp_path, drift, before, after):
    run = ToyRun(tmp_path, GOOD, drift=drift)
    assert (run.baselines.compared(CELL), run.baselines.of(CELL)) == (before, None)
    run.baselines.write(CELL, made(GOOD, "b"))
    assert run.baselines.compared(CELL) is after
    assert [item.score for item in run.baselines.of(CELL).items] == GOOD


def test_a_file_that_no_cell_reads_is_unused(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    run.drift.of(CELL)
    assert run.baselines.unused() == []
    other = Cell("gone", "pruning", True, "nano-safety", "items", "reliability", "safety", 0)
    path = run.baselines.write(other, made(GOOD, "c"))
    assert run.baselines.unused() == [path]


def test_the_baselines_of_a_recipe_that_the_plan_leaves_out_are_not_unused(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    path = run.baselines.write(Cell("elsewhere", "pruning", True, "nano-safety", "items", "reliability", "safety", 0), made(GOOD, "c"))
    assert run.baselines.unused() == [path]
    run.baselines._plan = replace(run.baselines._plan, left_out=("elsewhere",))
    assert run.baselines.unused() == []
