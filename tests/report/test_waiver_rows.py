"""Waivers in the reports."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html
from tests.report import toy_report
from tests.report.page_reader import Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def test_waivers_say_who_accepted_what_and_what_the_verdict_is_without_them(page: Page, report: Report) -> None:
    (rows,) = page.named("waivers")
    assert [row[2].text for row in rows[1:]] == [waiver.owner for waiver in report.waivers]
    assert "EXPIRED" in rows[2][1].text
    assert "with 1 waiver; without it: FAIL" in page.text[: page.text.index("Model and run")]
    waived = [row for table in page.named("checks") for row in table if "waived" in row[1].text]
    assert len(waived) == sum(check.waived for check in report.checks) > 0
    assert all(f"evidence {'0f' * 8}" in row[3].text for row in waived)
