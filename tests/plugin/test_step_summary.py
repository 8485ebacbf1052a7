"""On GitHub the Markdown report is added to the step's page, behind what is there already."""


def test_the_report_is_added_to_the_steps_page(gate, monkeypatch, tmp_path):
    page = tmp_path / "summary.md"
    page.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    gate()
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert "rtn-w8a16" in text
    assert "INCONCLUSIVE" in text.upper()


def test_a_page_that_cannot_be_written_is_said_and_changes_no_verdict(gate, monkeypatch, tmp_path):
    plain = gate()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "missing" / "summary.md"))
    result = gate()
    assert result.ret == plain.ret
    shown = " ".join(result.stdout.str().split())
    assert f"the step summary {tmp_path / 'missing' / 'summary.md'} was not written" in shown
