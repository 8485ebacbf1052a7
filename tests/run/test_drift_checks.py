"""A cell against its baseline: written and failed once if there is none, rewritten only on request."""

from __future__ import annotations

from tests.run.toy_run import BAD, CELL, GOOD, ToyRun


def test_a_first_baseline_is_written_and_fails_once_and_then_nothing_has_changed(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    assert not run.baselines.exists(CELL)
    first = run.drift.of(CELL)
    assert (first.verdict, first.accepted) == ("fail", False)
    assert run.baselines.exists(CELL)
    assert run.drift.of(CELL).verdict == "pass"


def test_a_change_is_accepted_only_on_request_and_then_written(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    run.drift.of(CELL)
    changed_run = ToyRun(tmp_path, BAD)
    assert (changed_run.drift.of(CELL).verdict, changed_run.drift.of(CELL).accepted) == ("fail", False)
    accepting_run = ToyRun(tmp_path, BAD, update="changed")
    check = accepting_run.drift.of(CELL)
    assert (check.verdict, check.accepted) == ("pass", True)
    assert [source.side for source in check.sources] == ["reference", "candidate"]
    assert changed_run.drift.of(CELL).reason.startswith("identical evidence")
