"""A worker that is killed takes its test with it: the run says so, and nothing passes that was not measured."""

from __future__ import annotations

import json

import pytest

KILLER = """
import os, signal

def pytest_runtest_{when}(item):
    if os.environ.get("PYTEST_XDIST_WORKER") and "{test}" in item.nodeid and ({always} or not os.path.exists("killed")):
        open("killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def killed(gate, pytester, test, *words, when="call", always=False, **more):
    pytester.makepyfile(killer=KILLER.format(when=when, test=test, always=always))
    report = pytester.path / "report.json"
    result = gate(f"--unicomp-report={report}", "-p", "killer", *words, run=pytester.runpytest_subprocess, **more)
    result.stdout.no_fnmatch_line("*INTERNALERROR*")
    return result, json.loads(report.read_text(encoding="utf-8")) if report.exists() else None


@pytest.mark.slow
def test_what_a_killed_worker_did_not_answer_is_an_error(gate, pytester):
    result, report = killed(gate, pytester, "test_retention[rtn-w8a16-nano-knowledge", "-n", "1", recipe="rtn-w8a16,wanda-2of4")
    assert result.ret == 7
    assert (report["verdict"], report["exit_code"]) == ("error", 7)
    (lost,) = [check for check in report["checks"] if check["verdict"] == "error"]
    assert (lost["recipe"], lost["benchmark"], lost["question"]) == ("rtn-w8a16", "nano-knowledge", "retention")
    assert lost["nodeid"] == "suites/performance/test_performance.py::test_retention[rtn-w8a16-nano-knowledge]"
    assert "died" in lost["reason"]
    other = {check["question"] for check in report["checks"] if check["recipe"] == "wanda-2of4" and check["verdict"] != "error"}
    assert "retention" in other
    result.stdout.fnmatch_lines(["*ERROR: suites/performance/*test_retention?rtn-w8a16-nano-knowledge?: unicomp: no answer*"])


@pytest.mark.slow
def test_what_never_began_because_no_worker_was_left_is_an_error_too(gate, pytester):
    result, report = killed(gate, pytester, "test_retention[rtn-w8a16", "-n", "1", "--max-worker-restart=0", recipe="rtn-w8a16,wanda-2of4")
    assert result.ret == 7
    assert report["exit_code"] == 7
    lost = {check["recipe"] for check in report["checks"] if check["verdict"] == "error" and check["question"] == "retention"}
    assert lost == {"rtn-w8a16", "wanda-2of4"}


@pytest.mark.slow
def test_a_run_that_answers_nothing_does_not_end_well(gate, pytester):
    result, report = killed(gate, pytester, "[rtn-w8a16", "-n", "2", when="setup", always=True)
    assert result.ret not in (0, 5)
    assert report is None or report["exit_code"] == 7


@pytest.mark.slow
def test_a_strangers_test_that_dies_fails_the_run_and_leaves_the_report_whole(gate, pytester):
    pytester.makepyfile(test_dies="def test_dies(): import os; os._exit(3)")
    result, report = killed(gate, pytester, "nothing", "-n", "2", "test_dies.py")
    assert result.ret == 1
    assert report["exit_code"] in (0, 6)
    assert all(check["verdict"] != "error" for check in report["checks"])
