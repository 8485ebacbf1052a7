"""Retention is decided once per cell, from whole measurements or from the parts that its verdict takes; sources name what was used."""

from __future__ import annotations

import pytest

from pytest_unicomp.compare import Policy
from pytest_unicomp.run.plan import Cell
from tests.run.toy_run import BAD, CELL, GOOD, PLAN, ToyRun, made


def test_a_cell_is_decided_once_and_names_both_measurements(tmp_path):
    run = ToyRun(tmp_path, BAD)
    check = run.retention.of(CELL)
    assert check.verdict == "fail"
    assert [(source.side, source.key, source.part) for source in check.sources] == [
        ("reference", "reference-0", False),
        ("candidate", "rtn-0", False),
    ]
    asked = list(run.results.asked)
    assert run.retention.of(CELL) is check
    assert run.results.asked == asked


def test_early_stopping_measures_parts_only_and_names_each(tmp_path):
    run = ToyRun(tmp_path, BAD, sequential=True)
    check = run.retention.of(CELL)
    assert check.verdict == "fail"
    taken = [source for source in check.sources if source.side == "candidate"]
    assert all(source.part for source in taken)
    assert run.results.asked == ["100 items"] * len(taken)
    assert len(taken) < 10
    assert len(run.retention.measured(CELL).items) == 100 * len(taken)


def test_items_that_must_be_right_are_measured_though_the_verdict_did_not_take_them(tmp_path):
    run = ToyRun(tmp_path, BAD, sequential=True)
    everything = {item.id for item in made(GOOD, "a").items}
    measured, sources = run.retention.holding(CELL, everything)
    assert {item.id for item in measured.items} == everything
    assert len(sources) == len(run.retention.sources(CELL)) + 1


def test_a_benchmark_whose_replies_have_limits_is_measured_whole(tmp_path):
    safety, reasoning = (Policy(reply_limits={name: {"looping": 0.1}}) for name in ("safety", "reasoning"))
    assert (PLAN.limited_replies(safety), PLAN.limited_replies(reasoning)) == ((CELL,), ())
    run = ToyRun(tmp_path, BAD, policy=safety, sequential=True)
    run.retention.of(CELL)
    assert set(run.results.asked) == {"rtn"}


def test_a_whole_measurement_asks_for_no_rest(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    measured, sources = run.retention.holding(CELL, {"no such item"})
    assert (measured, len(sources)) == (run.results.sides["rtn"], 1)


def test_the_evidence_of_an_earlier_run_says_how_much_is_noise_and_is_kept(tmp_path):
    run = ToyRun(tmp_path, BAD)
    reference_cell = Cell("dense", "none", False, "nano-safety", "items", "reliability", "safety", 0)
    run.baselines.write(reference_cell, made([1.0 - GOOD[0], *GOOD[1:]], "a"))
    check = run.retention.of(CELL)
    assert check.flips.floor == pytest.approx(1 / len(GOOD))
    assert [source.side for source in check.sources] == ["reference", "candidate", "earlier"]
