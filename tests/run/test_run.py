"""A run without pytest: what it supplies is made once, and its questions answer about the cells of its plan."""

from __future__ import annotations

import pytest

from pytest_unicomp import Run, resolve
from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.run.step import Step


@pytest.fixture
def run(tmp_path):
    found = Run(resolve({"model": "nano", "recipe": ["dense"], "benchmark": ["bytes", "compress-seconds"], "cache": str(tmp_path)}, {}))
    yield found
    found.close()


def test_the_reference_beside_itself_is_as_large_as_itself_and_names_both_sides(run):
    cell = next(cell for cell in run.plan.cells if cell.benchmark == "bytes")
    check = run.size(cell)
    assert (check.verdict, check.difference) == ("pass", 0.0)
    assert [source.side for source in check.sources] == ["reference", "candidate"]
    assert all(run.store.read(source.kind, source.key) is not None for source in check.sources)


def test_a_cost_of_compressing_has_nothing_to_tell_where_nothing_was_compressed(run):
    cells = {cell.benchmark: cell for cell in run.plan.cells}
    assert run.not_recorded(cells["compress-seconds"]) == "nothing was compressed"
    assert run.not_recorded(cells["bytes"]) is None


def test_a_cell_that_broke_is_an_error_that_keeps_the_message(run):
    check = run.broken(run.plan.cells[0], "efficiency", InfrastructureError("unicomp: no memory"))
    assert (check.verdict, check.question, check.reason, check.sources) == ("error", "efficiency", "unicomp: no memory", [])
    assert run.broken(run.plan.cells[0], "efficiency", ValueError()).reason == "ValueError"


def test_a_recipe_without_target_has_no_gain_to_ask_for(run):
    with pytest.raises(UsageProblem, match="was not made for --unicomp-calibration-target"):
        run.calibration_gain(run.plan.cells[0])


def test_the_report_of_a_run_stands_in_the_plans_order_and_passes(run):
    artifact, bytes_of = run.artifact_check(run.plan.artifacts()[0]), run.size(run.plan.cells[0])
    report = run.conclude(sorted([bytes_of, artifact], key=run.place))
    assert [check.benchmark for check in report.checks] == ["artifact", "bytes"]
    assert (report.verdict, report.exit_code, report.without_waivers) == ("pass", 0, "pass")
    assert report.reference.fingerprint == run.artifact("dense").fingerprint


def test_what_the_files_hold_is_inspected_once(run, monkeypatch):
    cell = run.plan.artifacts()[0]
    first = run.artifact_check(cell)
    monkeypatch.setattr("pytest_unicomp.checkpoints.artifact_check.findings", lambda *_: pytest.fail("read twice"))
    assert run.artifact_check(cell) == first


def test_what_is_promised_foretells_the_steps(tmp_path):
    words = {"model": "nano", "recipe": ["wanda-2of4,dense"], "benchmark": ["nano-safety,bytes,decode-latency"], "cache": str(tmp_path)}
    run = Run(resolve(words, {}))
    run.promise(run.plan.cells)
    assert run.outstanding() == [
        Step("compress", "wanda-2of4"),
        Step("evaluate", "reference", "nano-safety"),
        Step("evaluate", "wanda-2of4", "nano-safety"),
        Step("evaluate", "dense", "nano-safety"),
        Step("time", "wanda-2of4", "decode-latency"),
        Step("time", "dense", "decode-latency"),
    ]
