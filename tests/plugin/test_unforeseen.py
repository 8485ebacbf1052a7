"""What nobody foresaw, anywhere in a run, ends it with 7 and one line: never with 1, which reads as FAIL, and never as a pass."""

from __future__ import annotations

import json
import tempfile

import pytest

from pytest_unicomp.api import registry
from tests.plugin.toy_faults import install

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
LINE = "unicomp: unforeseen error: "


@pytest.fixture
def stranger(pytester, monkeypatch):
    """Installs the package whose method raises, as if somebody else had written it; the traces of this test stay in its own folder."""
    monkeypatch.setenv("TMPDIR", str(pytester.path / "traces"))
    monkeypatch.setattr(tempfile, "tempdir", str(pytester.mkdir("traces")))

    def installed(fault="", *, more=""):
        install(pytester.path, fault, more=more)
        pytester.syspathinsert()
        _forget()

    yield installed
    _forget()


def _forget():
    registry.methods.cache_clear()
    registry.benchmarks.cache_clear()


@pytest.fixture
def run(gate, pytester):
    def started(*arguments, recipe="rtn-w8a16", benchmark="bytes", how=None):
        words = (*WIDE, f"--unicomp-report={pytester.path / 'gate.json'}", *arguments)
        return gate(*words, recipe=recipe, benchmark=benchmark, run=how)

    return started


def lines_of(result):
    return [line for line in (*result.outlines, *result.errlines) if LINE in line]


def traces(pytester):
    return list((pytester.path / "traces").glob("unicomp-trace-*.txt"))


@pytest.mark.parametrize("fault", ["recipe.refusal", "recipe.settings", "benchmark.validate", "benchmark.substitution"])
def test_a_fault_before_anything_runs_is_one_line_and_7(run, stranger, pytester, fault):
    stranger(fault)
    given = {"recipe": "faulty"} if fault.startswith("recipe") else {"benchmark": "faulty"}
    result = run(**given)
    assert result.ret == 7
    [line] = lines_of(result)
    assert "Fault: of a stranger, in two lines" in line
    assert "INTERNALERROR" not in str(result.stdout)
    [trace] = traces(pytester)
    assert str(trace) in line
    assert "in fail" in trace.read_text(encoding="utf-8")
    assert not (pytester.path / "gate.json").exists()


def test_a_package_that_cannot_be_imported_is_named_and_refused(run, stranger):
    stranger(more="raise KeyError('at import')")
    result = run()
    assert result.ret == 4
    [line] = [line for line in result.errlines if line.startswith("ERROR")]
    assert "entry point toy" in line
    assert "uninstall it" in line


@pytest.mark.parametrize("fault", ["benchmark.identity", "benchmark.score", "recipe.compress"])
def test_a_fault_in_a_recipe_or_a_benchmark_is_an_error_check_and_the_others_go_on(run, stranger, pytester, fault):
    stranger(fault)
    recipe, benchmark = ("faulty,rtn-w8a16", "bytes") if fault.startswith("recipe") else ("rtn-w8a16", "faulty,bytes")
    result = run(recipe=recipe, benchmark=benchmark)
    assert result.ret == 7
    report = json.loads((pytester.path / "gate.json").read_text(encoding="utf-8"))
    assert (report["verdict"], report["exit_code"]) == ("error", 7)
    broken = [check for check in report["checks"] if "faulty" in (check["recipe"], check["benchmark"])]
    assert {check["verdict"] for check in broken} == {"error"}
    assert all("of a stranger" in check["reason"] for check in broken)
    assert [check["reason"] for check in broken if len(check["reason"].splitlines()) > 1] == []
    # An identity is read for every cell that is looked up, so a fault in it may break more.
    if fault != "benchmark.identity":
        assert {check["verdict"] for check in report["checks"] if check not in broken} == {"pass"}


@pytest.mark.parametrize(
    "hook",
    [
        "pytest_report_header(config)",
        "pytest_collection_finish(session)",
        "pytest_runtest_logreport(report)",
        "pytest_terminal_summary(terminalreporter)",
        "pytest_sessionfinish(session)",
        "pytest_unconfigure(config)",
    ],
)
def test_a_fault_of_another_plugin_is_7_wherever_it_happens(run, stranger, pytester, hook):
    stranger()
    pytester.makepyfile(other=f"def {hook}:\n    raise KeyError('of another plugin')\n")
    result = run("-p", "other")
    assert result.ret == 7
    [line] = lines_of(result)
    assert "KeyError: 'of another plugin'" in line
    assert len(traces(pytester)) == 1


def test_a_fault_in_the_summary_that_people_read_is_7_and_the_report_is_whole(run, stranger, pytester):
    stranger(more="from pytest_unicomp.report import terminal\nterminal.summary_lines = lambda *given, **named: fail()")
    # In a process of its own, which ends with what was exchanged.
    result = run(how=pytester.runpytest_subprocess)
    assert result.ret == 7
    [line] = lines_of(result)
    assert "Fault: of a stranger" in line
    assert json.loads((pytester.path / "gate.json").read_text(encoding="utf-8"))["checks"]


def test_the_ordinary_run_beside_these_passes(run, stranger, pytester):
    stranger()
    result = run(benchmark="bytes")
    assert result.ret == 0
    assert not traces(pytester)
