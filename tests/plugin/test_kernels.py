"""`kernel-<format>`: asked of the reference's layers, in the report with its table, and refused by name where the device lacks it."""

import json

import pytest
from typer.testing import CliRunner

from pytest_unicomp.cli import app


def verify(report, gate, folder):
    """Return what `unicomp verify` says of the table of the kernel in a report, and its note."""
    path = folder / "written.json"
    path.write_text(json.dumps({key: value for key, value in report.items() if key not in ("ret", "result")}), encoding="utf-8")
    rows = json.loads(CliRunner().invoke(app, ["verify", str(path), f"--cache={gate.store}", "--json"]).output)
    [row] = [row for row in rows if row["what"] == "the table of the kernel int4"]
    return row["state"], row["note"]


@pytest.mark.slow
def test_a_kernel_is_timed_through_pytest_benchmark_and_stands_in_the_report(gate, pytester):
    timings = pytester.path / "b.json"
    report = gate.report(f"--benchmark-json={timings}", "--unicomp-device=cpu", recipe="dense", benchmark="kernel-int4,bytes")
    [check] = [check for check in report["checks"] if check["benchmark"] == "kernel-int4"]
    assert (check["recipe"], check["gates"], check["n"]) == ("reference", False, 12)
    assert check["interval"][0] <= check["difference"] <= check["interval"][1]
    [table] = report["kernels"]
    assert (table["format"], table["rounds"], len(table["layers"])) == ("int4", 12, 4 * 3)
    # It informs: the recipe beside it passes whatever the kernel does.
    assert [recipe["recipe"] for recipe in report["recipes"]] == ["dense"]
    assert report["ret"] == 0
    [entry] = json.loads(timings.read_text())["benchmarks"]
    assert len(entry["extra_info"]["ratios"]) == 12
    assert entry["extra_info"]["kernel"]["layers"] == table["layers"]
    assert verify(report, gate, pytester.path) == ("as_reported", "made again from its timings")
    table["layers"][0]["ratio"] /= 2
    state, note = verify(report, gate, pytester.path)
    assert (state, note.partition(" ")[0]) == ("differs", "layers")


def test_a_kernel_that_the_device_lacks_is_refused_before_anything_runs(gate):
    result = gate("--unicomp-device=cpu", benchmark="kernel-fp8")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--unicomp-benchmark=kernel-fp8 asks for a kernel that * lacks: torch computes fp8 on NVIDIA GPUs alone; *"]
    )


def test_a_limit_on_a_kernel_is_refused(gate, pytester):
    pytester.makefile(".toml", unicomp="[limits]\nkernel-int4 = 0.5\n")
    result = gate(f"--unicomp-config={pytester.path / 'unicomp.toml'}", benchmark="kernel-int4,bytes")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*limits.kernel-int4 is set, but this run does not measure kernel-int4 of a recipe*"])
