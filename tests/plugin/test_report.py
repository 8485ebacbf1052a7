"""`--unicomp-report`, JUnit and the terminal: the answer where each reader looks for it."""

import shlex
from xml.etree import ElementTree

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import repeat


def test_json_html_and_markdown_are_written_and_named_at_the_end(gate, pytester):
    result = gate("--unicomp-report=gate.json", "--unicomp-report=gate.html", "--unicomp-report=gate.md", "--unicomp-margin=0.4")
    for name in ("gate.json", "gate.html", "gate.md"):
        assert (pytester.path / name).stat().st_size > 200
        result.stdout.fnmatch_lines([f"report: {name}"])
    result.stdout.fnmatch_lines(["*unicomp*", "*rtn-w8a16*", "* passed*", "*= verdict =*", "unicomp: * (exit code *)", "next: *"])
    assert result.stdout.str().count("exit code") == 1


def test_the_verdict_is_the_last_thing_on_the_screen_and_hashes_are_shown_on_request(gate):
    result = gate("--unicomp-report=gate.json", "--unicomp-margin=0.001")
    lines = [line for line in result.outlines if line]
    last = lines[next(place for place, line in enumerate(lines) if "= verdict =" in line) :]
    assert last[1] == "unicomp: INCONCLUSIVE (exit code 6)"
    assert last[2].startswith("rtn-w8a16 is undecided: knowledge")
    assert [line for line in last if line.startswith("report: ")] == ["report: gate.json"]
    assert last[-1].startswith(("next: ", "  "))
    assert not any(": evidence " in line for line in lines)
    assert any("capability knowledge: evidence " in line for line in gate("-v", "--unicomp-margin=0.001").outlines)


def test_pytests_lists_of_failures_are_left_out_unless_asked_for_or_there_is_a_trace(gate, ruined, pytester):
    lost = {"recipe": None}
    gate(f"--unicomp-candidate={ruined}", **lost).stdout.no_fnmatch_line("*short test summary*")
    gate(f"--unicomp-candidate={ruined}", **lost).stdout.no_fnmatch_line("*= FAILURES =*")
    gate(f"--unicomp-candidate={ruined}", "-rf", **lost).stdout.fnmatch_lines(["*= FAILURES =*", "FAILED *"])
    pytester.makepyfile(faulty="def pytest_runtest_call(item):\n    if 'cell' in item.fixturenames:\n        raise RuntimeError('mine')\n")
    pytester.syspathinsert()
    gate("-p", "faulty").stdout.fnmatch_lines(["*= FAILURES =*", "*RuntimeError: mine*"])


def test_the_report_says_where_its_measurements_come_from(gate):
    report = gate.report("--unicomp-margin=0.4")
    (origin,) = report["origins"]
    assert origin["recipes"] == ["reference", "rtn-w8a16"]
    assert origin["measurements"] == 2 * len({check["benchmark"] for check in report["checks"] if check["question"] == "retention"})
    assert origin["versions"] == report["environment"]["versions"]


def test_an_undecided_capability_is_a_junit_failure_of_that_type(gate, pytester):
    gate("--junit-xml=junit.xml", "--unicomp-margin=0.001")
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")}
    failure = cases["test_capability[rtn-w8a16-knowledge]"].find("failure")
    assert failure.get("type") == "inconclusive"
    properties = {entry.get("name"): entry.get("value") for entry in cases["test_retention[rtn-w8a16-nano-knowledge]"].iter("property")}
    assert properties["unicomp_n"] == "24"
    assert properties["unicomp_verdict"] == "inconclusive"


def test_an_undecided_capability_under_warn_is_skipped_in_junit_with_its_reason(gate, pytester):
    gate("--junit-xml=junit.xml", "--unicomp-margin=0.001", "--unicomp-inconclusive=warn")
    cases = {case.get("name"): case for case in ElementTree.parse(pytester.path / "junit.xml").iter("testcase")}
    case = cases["test_capability[rtn-w8a16-knowledge]"]
    assert case.find("failure") is None
    assert "INCONCLUSIVE" in case.find("skipped").get("message")


def test_every_check_says_how_to_repeat_it_under_a_name_that_is_the_same_wherever_the_suites_are_installed(gate):
    report = gate.report("--unicomp-margin=0.4")
    assert all("[rtn-w8a16-" in check["nodeid"] for check in report["checks"])
    assert {check["nodeid"].partition("::")[0] for check in report["checks"]} == {
        "suites/performance/test_performance.py",
        "suites/test_artifact.py",
    }


@pytest.fixture
def repeated(gate, pytester):
    """Collects what the commands that repeat some checks of a report would run, and returns the names of the tests with each command."""

    def collect(report, checks):
        found = {}
        for command in dict.fromkeys(repeat.command(report, check) for check in checks):
            words = shlex.split(" ".join(command))
            result = pytester.runpytest_inprocess(*words[1:], f"--unicomp-cache={gate.store}", "--collect-only", "-q")
            assert result.ret == 0, (command, result.outlines, result.errlines)
            found[" ".join(command)] = [line.partition("::")[2] for line in result.outlines if "::" in line]
        return found

    return collect


def told(report):
    return Report.model_validate({key: value for key, value in report.items() if key not in ("ret", "result")})


def test_every_command_that_repeats_a_check_is_understood_and_asks_it_of_its_recipe_alone(gate, pytester, repeated):
    (pytester.path / "unicomp.toml").write_text(
        '[must_pass]\nnano-knowledge = ["*7"]\n[margins.wanda-2of4]\nknowledge = 0.2\n', encoding="utf-8"
    )
    words = ("--unicomp-inform=wanda-2of4", "--unicomp-response-length=64", "--unicomp-scoring=paper")
    report = told(gate.report(*words, benchmark="nano-knowledge,bytes", drift="auto"))
    assert {check.question for check in report.checks} == {"artifact", "retention", "drift", "must_pass", "efficiency"}
    found = repeated(report, report.checks)
    asked = [test for tests in found.values() for test in tests]
    assert asked == [check.nodeid.partition("::")[2] for check in report.checks]
    for command, tests in found.items():
        assert "--unicomp-response-length=64" in command.split()
        assert "--unicomp-scoring=paper" in command.split()
        assert len(tests) == 1, command


def test_what_is_asked_of_the_reference_and_of_a_recipe_with_other_calibration_text_can_be_repeated_too(gate, repeated):
    report = told(gate.report("--unicomp-margin=0.4"))
    report = report.model_copy(update={"policy": {**report.policy, "calibration_target": "reasoning"}})
    retained = next(check for check in report.checks if check.question == "retention")
    kernel = {
        "recipe": "reference",
        "gates": False,
        "benchmark": "kernel-int4",
        "nodeid": "suites/efficiency/test_kernel.py::test_kernel[reference-kernel-int4]",
    }
    other = {"recipe": "wanda-2of4@reasoning", "family": "pruning", "gates": False}
    gain = {**other, "question": "calibration", "nodeid": "suites/test_calibration.py::test_gain[x]"}
    checks = [retained.model_copy(update=fields) for fields in ({}, kernel, other, gain)]
    named = list(repeated(report, checks).values())
    assert named[0] == ["test_retention[rtn-w8a16-nano-knowledge]"]
    assert named[1] == ["test_kernel[reference-kernel-int4]"]
    assert "test_retention[wanda-2of4@reasoning-nano-knowledge]" in named[2]
    assert named[3] == ["test_gain[wanda-2of4@reasoning-nano-knowledge]"]


def test_a_run_in_which_nothing_was_measured_writes_a_report_that_says_so(gate):
    report = gate.report("-k", "nothing_of_that_name")
    assert (report["ret"], report["exit_code"], report["verdict"]) == (5, 5, "inconclusive")
    assert len(report["partial"]["missing"]) == report["partial"]["planned"] > 0
    assert report["recipes"] == report["checks"] == []


def test_a_report_that_does_not_fit_its_schema_is_one_line_and_exit_code_7(gate, monkeypatch):
    from pytest_unicomp import report
    from pytest_unicomp.api.errors import UnicompError

    def refuse(answer, path):
        raise UnicompError(f"unicomp: the report does not match its schema; {path} was not written.")

    monkeypatch.setattr(report, "write", refuse)
    result = gate("--unicomp-report=gate.json", "--unicomp-margin=0.4")
    assert result.ret == 7
    result.stdout.fnmatch_lines(["*ERROR: the report gate.json was not written: unicomp: the report does not match its schema*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
