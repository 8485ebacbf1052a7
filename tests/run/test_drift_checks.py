"""A cell against its baseline: written and failed once if there is none, rewritten only on request."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import InfrastructureError
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


def test_an_edited_baseline_decides_nothing_until_it_is_rewritten_on_request_which_fails_once(tmp_path):
    run = ToyRun(tmp_path, GOOD)
    run.drift.of(CELL)
    [path] = tmp_path.rglob(f"{CELL.benchmark}.json")
    path.write_text(path.read_text().replace('"score": [1', '"score": [0'))
    for update in ("none", "missing", "changed"):
        with pytest.raises(InfrastructureError, match="is not used: its content differs from its digest"):
            ToyRun(tmp_path, GOOD, update=update).drift.of(CELL)
    assert ToyRun(tmp_path, GOOD, update="all").drift.of(CELL).verdict == "fail"
    assert ToyRun(tmp_path, GOOD).drift.of(CELL).verdict == "pass"
