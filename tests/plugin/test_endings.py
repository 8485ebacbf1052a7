"""Every ending of a run that docs/exit-codes.md lists: a whole run is made to end so, and leaves what the table says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from docs.tools.endings import ENDINGS, Ending
from tests.plugin.test_lost_tests import KILLER

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")
TIGHT = ("--unicomp-margin=0.01", "--unicomp-benchmark-margin=0.01")
IN_FIRST_CALL = """
import os, signal

def pytest_runtest_call(item):
    {what}
"""
LATE = """
import time
from types import SimpleNamespace

import pytest

class Timers:
    @pytest.hookspec(firstresult=True)
    def pytest_timeout_set_timer(self, item, settings): pass

    @pytest.hookspec(firstresult=True)
    def pytest_timeout_cancel_timer(self, item): pass

def pytest_addhooks(pluginmanager):
    pluginmanager.add_hookspecs(Timers)

@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    if "cell" in item.fixturenames:
        item.config.hook.pytest_timeout_set_timer(item=item, settings=SimpleNamespace(timeout=0.2))
    result = yield
    item.config.hook.pytest_timeout_cancel_timer(item=item)
    return result

def pytest_runtest_call(item):
    time.sleep(0.01 if "artifact" in item.name else 60)
"""


class Ends:
    """Makes a run end in each way; `last` is the run, as pytest's result."""

    def __init__(self, gate, pytester, ruined):
        self.gate, self.pytester, self.ruined = gate, pytester, ruined
        self.path = pytester.path / "report.json"

    def run(self, *words, **more):
        return self.gate(f"--unicomp-report={self.path}", *words, **more)

    def with_plugin(self, text, *words, **more):
        self.pytester.makepyfile(ends=text)
        self.pytester.syspathinsert()
        return self.run("-p", "ends", *WIDE, *words, **more)

    def everything_passes(self):
        return self.run(*WIDE)

    def something_that_gates_is_lost(self, *words):
        return self.run(f"--unicomp-candidate={self.ruined}", *words, recipe=None)

    def undecided(self):
        return self.run(*TIGHT)

    def undecided_with_inconclusive_warn(self):
        return self.run(*TIGHT, "--unicomp-inconclusive=warn")

    def all_passes_and_another_test_of_the_same_run_fails(self):
        own = self.pytester.makepyfile("def test_kept(retention): retention.assert_passed()\n\ndef test_other(): assert False\n")
        return self.run(*WIDE, path=own)

    def an_artifact_cannot_be_made(self):
        return self.run(*WIDE, recipe="breaks")

    def one_recipe_fails_another_cannot_be_made(self):
        return self.run("--unicomp-recipe=breaks", f"--unicomp-candidate={self.ruined}", recipe=None)

    def k_a_part_of_the_tests(self):
        return self.run(*WIDE, "-k", "artifact")

    def k_that_selects_nothing(self):
        return self.run(*WIDE, "-k", "nobody")

    def lf_after_a_failure(self):
        # With the plugin that the fixture turns off for others.
        words = ("-p", "cacheprovider", "-o", f"cache_dir={self.pytester.path / 'kept'}")
        self.something_that_gates_is_lost(*words)
        return self.something_that_gates_is_lost(*words, "--lf")

    def x_after_a_failure(self):
        return self.something_that_gates_is_lost("-x")

    def ctrl_c(self):
        return self.with_plugin(IN_FIRST_CALL.format(what="os.kill(os.getpid(), signal.SIGINT)"), run=self._interrupted)

    def sigterm(self):
        return self.with_plugin(IN_FIRST_CALL.format(what="os.kill(os.getpid(), signal.SIGTERM)"), run=self._interrupted)

    def _interrupted(self, *words):
        return self.pytester.runpytest_inprocess(*words, no_reraise_ctrlc=True)

    def sigkill(self):
        folder = self.pytester.path
        (folder / "ends.py").write_text(IN_FIRST_CALL.format(what="os.kill(os.getpid(), signal.SIGKILL)"), encoding="utf-8")
        words = ["gate", "nano", f"--cache={self.gate.store}", "--limit=24", "--recipe=rtn-w8a16", "--benchmark=nano-knowledge"]
        command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", *words, f"--report={self.path}", "--", "-p", "ends"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    def a_worker_of_pytest_xdist_dies(self):
        killer = KILLER.format(when="call", test="test_retention", always=False)
        return self.with_plugin(killer, "-n", "1", run=self.pytester.runpytest_subprocess)

    def a_time_limit_of_pytest_timeout_typed(self):
        # The real one would declare the same hooks.
        return self.with_plugin(LATE, "-p", "no:timeout", run=self.pytester.runpytest_subprocess)

    def an_internal_error(self):
        return self.with_plugin("def pytest_runtest_logfinish(nodeid):\n    raise RuntimeError('a fault of a plugin')\n")

    def the_report_cannot_be_written(self):
        folder = self.pytester.path / "gone"
        folder.mkdir()
        self.path = folder / "report.json"
        return self.with_plugin(
            f"import shutil\n\ndef pytest_runtest_call(item):\n    shutil.rmtree({str(folder)!r}, ignore_errors=True)\n"
            f"    open({str(folder)!r}, 'w').close()\n"
        )

    def an_option_is_wrong(self):
        return self.run("--unicomp-margin=no")


def method_of(name):
    """Return the name of the method of Ends that makes a row of the table happen."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def seen(result, path):
    """Return what a run left, in the words of the table."""
    output = (
        [*result.stdout.splitlines(), *result.stderr.splitlines()]
        if isinstance(result, subprocess.CompletedProcess)
        else [*result.outlines, *result.errlines]
    )
    code = result.returncode if isinstance(result, subprocess.CompletedProcess) else int(result.ret)
    report = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    state = "none" if report is None else "whole" if report["partial"] is None else "partial"
    block = [place + 1 for place, line in enumerate(output) if "= verdict =" in line]
    line = output[block[-1]] if block else next(line for line in reversed(output) if line.startswith(("unicomp: ", "ERROR: unicomp: ")))
    line = re.sub(r"\d+ of \d+ checks", "N of M checks", line)
    line = re.sub(r"(ERROR: unicomp: |before it could write its report; ).*", r"\1...", line)
    return Ending(state, code, line), output


@pytest.fixture
def ends(gate, pytester, ruined, breaking_recipe):
    return Ends(gate, pytester, ruined)


SLOW = ("SIGKILL", "a worker of pytest-xdist dies", "a time limit of pytest-timeout, typed")


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in ENDINGS])
def test_a_run_that_ends_so_leaves_what_the_table_says(ends, name):
    left, output = seen(getattr(ends, method_of(name))(), ends.path)
    assert left == ENDINGS[name], "\n".join(output[-40:])


@pytest.mark.parametrize(
    "name", ["everything passes", "something that gates is lost", "Ctrl-C", "`-x` after a failure", "an internal error"]
)
def test_the_last_lines_are_the_verdict_where_the_report_is_and_what_to_do_next(ends, name):
    result = getattr(ends, method_of(name))()
    lines = [line for line in result.outlines if line.strip()]
    block = lines[max(place for place, line in enumerate(lines) if "= verdict =" in line) + 1 :]
    heads = [line for line in block if not line.startswith("  ")]
    assert heads[0].startswith("unicomp: ")
    # A path is never broken: it is there to be copied.
    assert f"report: {ends.path}" in " ".join(line.strip() for line in block)
    assert heads[-1].startswith("next: ")
    assert sum(head.startswith("- ") and not head.startswith("- ... and") for head in heads) <= 3
    assert len(block) <= 15


def test_no_command_is_proposed_on_a_report_that_could_not_be_written(ends):
    lines = ends.the_report_cannot_be_written().outlines
    block = " ".join(line.strip() for line in lines[max(place for place, line in enumerate(lines) if "= verdict =" in line) :])
    assert f"ERROR: the report {ends.path} was not written" in block
    assert "next: before you publish: the same command with --unicomp-report" in block


@pytest.mark.parametrize("how", ["file", "environment", "nothing"])
def test_lists_of_failures_that_were_asked_for_anywhere_are_shown(gate, pytester, ruined, monkeypatch, how):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-rf" if how == "environment" else "")
    pytester.makeini("[pytest]\naddopts = " + ("-rf" if how == "file" else ""))
    result = gate(f"--unicomp-candidate={ruined}", f"--rootdir={pytester.path}", "-c", str(pytester.path / "tox.ini"), recipe=None)
    assert ("short test summary info" in result.stdout.str()) == (how != "nothing")
