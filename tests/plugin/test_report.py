"""`--unicomp-report`, JUnit and the terminal: the answer where each reader looks for it."""

from xml.etree import ElementTree


def test_json_html_and_markdown_are_written_and_named_at_the_end(gate, pytester):
    result = gate("--unicomp-report=gate.json", "--unicomp-report=gate.html", "--unicomp-report=gate.md", "--unicomp-margin=0.4")
    for name in ("gate.json", "gate.html", "gate.md"):
        assert (pytester.path / name).stat().st_size > 200
        result.stdout.fnmatch_lines([f"report: {name}"])
    result.stdout.fnmatch_lines(["*unicomp*", "*rtn-w8a16*", "exit code: *"])


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


def test_a_run_in_which_nothing_was_measured_writes_no_report(gate, pytester):
    result = gate("--unicomp-report=gate.json", "-k", "nothing_of_that_name")
    assert result.ret == 5
    assert not (pytester.path / "gate.json").exists()


def test_a_report_that_does_not_fit_its_schema_is_one_line_and_exit_code_7(gate, monkeypatch):
    from pytest_unicomp import report
    from pytest_unicomp.errors import UnicompError

    def refuse(answer, path):
        raise UnicompError(f"unicomp: the report does not match its schema; {path} was not written.")

    monkeypatch.setattr(report, "write", refuse)
    result = gate("--unicomp-report=gate.json", "--unicomp-margin=0.4")
    assert result.ret == 7
    result.stdout.fnmatch_lines(["*ERROR: the report gate.json was not written: unicomp: the report does not match its schema*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
