"""Values in HTML: rounded texts, exact numbers, and dashes with a reason."""

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


def test_rounded_texts_say_what_the_exact_values_do(page: Page, report: Report) -> None:
    check = next(check for check in report.checks if check.recipe == "gptq-w4a16" and check.benchmark == "nano-reasoning")
    rows = [row for table in page.named("checks") for row in table if row[0].text.startswith("nano-reasoning ")]
    # The recipe that fails comes first.
    row = rows[0]
    assert row[5].text.split()[0] == f"{100 * (check.reference.value or 0):.1f}%"
    assert row[7].text == f"−{-100 * (check.difference or 0):.1f} pts"
    assert row[9].text == "5.0 pts"


def test_nats_are_shown_as_nats_with_their_perplexity(page: Page) -> None:
    row = next(row for table in page.named("checks") for row in table if row[0].text.startswith("nano-language-modeling"))
    assert "2.314 nats" in row[5].text
    assert "perplexity 10.11" in row[5].text
    assert row[7].text.endswith("nats")
    assert "%" not in row[5].text


def test_unknown_numbers_are_dashes_that_name_their_reason(page: Page) -> None:
    reasons = {value for tag, name, value in page.attributes if (tag, name) == ("i", "title")}
    assert {"no interval", "no chance level", "no answer options with probabilities"} <= reasons
