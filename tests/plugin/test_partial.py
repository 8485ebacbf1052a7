"""A run that does not reach everything that was planned is partial: never a pass, in any place that shows a verdict."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pytest_unicomp.plugin.suites import suites

WIDE = ("--unicomp-margin=0.4", "--unicomp-benchmark-margin=0.4")


@pytest.mark.parametrize(
    "selecting",
    [
        ("-k", "artifact"),
        ("-m", "efficiency"),
        ("--deselect", "suites/performance/test_performance.py"),
        (f"--ignore={suites() / 'performance'}",),
        ("--benchmark-only",),
    ],
)
def test_a_run_of_a_part_of_the_tests_never_passes(gate, selecting):
    report = gate.report(*WIDE, *selecting)
    assert (report["ret"], report["verdict"]) == (6, "inconclusive")
    assert report["exit_code"] == 6
    assert {"recipe": "rtn-w8a16", "benchmark": "nano-knowledge", "capability": "knowledge", "question": "retention"} in report["partial"][
        "missing"
    ]
    assert all(recipe["verdict"] != "pass" for recipe in report["recipes"])


def test_a_part_is_named_in_terminal_and_page_and_its_row_is_no_pass(gate, pytester):
    report = gate.report(*WIDE, "-k", "artifact", "--unicomp-report=gate.html", "--unicomp-report=gate.md")
    assert report["ret"] == 6
    planned = report["partial"]["planned"]
    assert planned > 2
    report["result"].stdout.fnmatch_lines(
        [
            "rtn-w8a16: INCONCLUSIVE: partial, left out: *",
            f"unicomp: INCONCLUSIVE, partial: 1 of {planned} checks (exit code 6)",
            "left out (the others were not selected*",
        ]
    )
    for name in ("gate.html", "gate.md"):
        page = (pytester.path / name).read_text(encoding="utf-8")
        assert f"artial: 1 of {planned} checks" in page
        assert "rtn-w8a16 on nano-knowledge (retention)" in page
        assert "PASS" not in page


def test_a_whole_run_is_not_partial_though_a_cost_without_a_limit_is_skipped(gate):
    report = gate.report(*WIDE, benchmark="nano-knowledge,nano-safety,bytes,compress-seconds")
    assert report["partial"] is None
    assert (report["ret"], report["verdict"]) == (0, "pass")


def test_a_capability_of_which_a_benchmark_is_left_out_is_no_pass(gate):
    whole = gate.report(*WIDE, benchmark="nano-knowledge,nano-safety")
    assert [row["verdict"] for row in whole["recipes"][0]["capabilities"]] == ["pass", "pass"]
    part = gate.report(*WIDE, "-k", "not (test_retention and safety) and not test_capability", benchmark="nano-knowledge,nano-safety")
    assert part["partial"] is not None
    assert part["verdict"] == "inconclusive"


def test_what_failed_stays_failed_in_a_partial_run(gate, ruined):
    report = gate.report(f"--unicomp-candidate={ruined}", "-k", "nano-knowledge", recipe=None)
    assert (report["ret"], report["verdict"]) == (1, "fail")
    assert report["partial"] is not None


def test_stopping_at_the_first_failure_still_writes_a_report_that_names_the_rest(gate, ruined):
    report = gate.report(f"--unicomp-candidate={ruined}", "-x", recipe=None, benchmark="nano-knowledge,nano-safety")
    assert report["ret"] == 1
    assert "stopping after 1 failures" in report["partial"]["why"]
    assert report["partial"]["missing"]


def test_a_recipe_that_was_never_reached_has_its_row(gate, pytester, breaking_recipe):
    report = gate.report(*WIDE, "-x", "--unicomp-report=gate.html", "--unicomp-report=gate.md", recipe=f"{breaking_recipe},rtn-w8a16")
    assert report["ret"] == 7
    assert [recipe["recipe"] for recipe in report["recipes"]] == ["breaks"]
    report["result"].stdout.fnmatch_lines(["rtn-w8a16 *INCONCLUSIVE", "rtn-w8a16: INCONCLUSIVE: never reached*"])
    assert "Never reached: rtn-w8a16." in " ".join(report["result"].outlines)
    for name in ("gate.html", "gate.md"):
        assert "never reached: the run ended before anything was asked of it" in (pytester.path / name).read_text(encoding="utf-8")


def test_a_partial_run_ends_with_6_even_if_undecided_runs_only_warn(gate):
    report = gate.report(*WIDE, "-k", "artifact", "--unicomp-inconclusive=warn")
    assert (report["ret"], report["exit_code"]) == (6, 6)


def test_a_users_own_suite_is_whole_if_all_of_it_ran_and_partial_if_not(gate, pytester):
    own = pytester.makepyfile(
        """
        import pytest

        def test_kept(retention):
            retention.assert_passed()

        @pytest.mark.unicomp(question="artifact")
        def test_sound(artifact_check):
            artifact_check.assert_passed()
        """
    )
    assert gate.report(*WIDE, path=own)["verdict"] == "pass"
    report = gate.report(*WIDE, "-k", "kept", path=own)
    assert (report["ret"], report["verdict"]) == (6, "inconclusive")
    assert [left["question"] for left in report["partial"]["missing"]] == ["artifact"]


def test_a_report_of_an_earlier_run_does_not_survive_a_run_that_is_killed(gate, pytester):
    path = pytester.path / "report.json"
    path.write_text('{"verdict": "pass"}', encoding="utf-8")
    pytester.makepyfile(killer="import os, signal\n\ndef pytest_runtest_setup(item):\n    os.kill(os.getpid(), signal.SIGKILL)\n")
    gate(f"--unicomp-report={path}", "-p", "killer", run=pytester.runpytest_subprocess)
    assert not path.exists()


def interrupted(store, folder, number, *words):
    """Start `unicomp gate`, send it a signal in its first test, and return its exit code and report."""
    (folder / "marker.py").write_text(
        "import time\n\ndef pytest_runtest_call(item):\n    open('begun', 'w').close()\n    time.sleep(60)\n", encoding="utf-8"
    )
    command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", "gate", "nano", f"--cache={store}", "--limit=24"]
    command += ["--recipe=rtn-w8a16", "--benchmark=nano-knowledge", "--drift=off", *words, "--", "-p", "marker"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 120
        while not (folder / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(number)
        output, _ = process.communicate(timeout=120)
    return process.returncode, json.loads((folder / "gate.json").read_text(encoding="utf-8")), output


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_gate_that_is_interrupted_writes_a_partial_report(store, tmp_path, number):
    code, report, output = interrupted(store, tmp_path, number)
    assert code == 2, output
    assert (report["verdict"], report["exit_code"]) == ("inconclusive", 2)
    assert report["partial"]["why"] == f"interrupted by {signal.Signals(number).name}"
    assert len(report["partial"]["missing"]) == report["partial"]["planned"]


def test_gate_ignores_options_that_the_environment_adds_to_pytest(store, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k artifact")
    command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", "gate", "nano", f"--cache={store}", "--limit=24"]
    command += ["--recipe=rtn-w8a16", "--benchmark=nano-knowledge", "--drift=off", "--margin=0.4", "--benchmark-margin=0.4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "unicomp: PYTEST_ADDOPTS is ignored" in done.stderr
    assert done.returncode == 0, done.stdout
    assert json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))["partial"] is None
