"""Flipped items on the page."""

from __future__ import annotations

import re

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html
from pytest_unicomp.report.visible import visible
from tests.report import toy_report
from tests.report.page_reader import Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(toy_report.full()))


def test_flipped_answers_are_shown_whole_with_their_white_space_and_visible_controls(page: Page, report: Report) -> None:
    # A browser drops the line feed that follows <pre>; the parser of this test does not.
    shown = {passage.removeprefix("\n") for passage in page.passages}
    for text in toy_report.NASTY:
        assert any(visible(text) in passage for passage in shown), text
    assert any(passage.startswith("\nB   because") for passage in shown)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page.text)
