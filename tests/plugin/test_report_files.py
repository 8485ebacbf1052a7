"""Reports are written where the options say; one that fails is told and does not stop the others."""

from __future__ import annotations

from pathlib import Path

from pytest_unicomp.plugin.report_files import WrittenReports, write_reports
from tests.report.toy_report import small


def test_each_report_has_a_line_and_a_failed_one_is_an_error_beside_the_others(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    good, bad = tmp_path / "gate.json", tmp_path / "file" / "gate.json"
    (tmp_path / "file").write_text("no folder")
    written = write_reports(small(), [str(bad), str(good)])
    assert written.paths == [str(good)]
    assert written.lines[0].startswith(f"ERROR: the report {bad} was not written: ")
    assert written.lines[1:] == [f"report: {good}"]
    assert good.is_file()


def test_a_fault_of_the_program_in_one_report_costs_no_other_and_is_never_taken_for_none_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.setattr("pytest_unicomp.report.html.render", lambda answer, losses: 1 / 0)
    written = write_reports(small(), [str(tmp_path / "gate.html"), str(tmp_path / "gate.json")])
    assert written.paths == [str(tmp_path / "gate.json")]
    assert "gate.html was not written: unicomp: unforeseen error: ZeroDivisionError" in written.lines[0]
    assert written.lines[1] == f"report: {tmp_path / 'gate.json'}"


def test_the_page_of_a_ci_job_is_added_to_and_its_failure_fails_nothing(tmp_path, monkeypatch):
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert write_reports(small(), []) == WrittenReports([], [])
    assert page.read_text(encoding="utf-8").startswith("before\n#")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(Path(page) / "inside a file"))
    assert "was not written" in write_reports(small(), []).lines[0]
