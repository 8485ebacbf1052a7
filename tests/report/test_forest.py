"""Forest plots of paired differences."""

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


def known(*values: float | int | None) -> list[float | int]:
    return [value for value in values if value is not None]


def test_the_numbers_of_the_plots_of_differences_are_those_of_the_report(page: Page, report: Report) -> None:
    shown = sorted([number for cell in row for number in cell.numbers] for rows in page.named("forest") for row in rows[1:])
    expected = []
    for recipe in report.recipes:
        asked = [check for check in report.checks if check.recipe == recipe.recipe and check.question == "retention"]
        expected += [known(pooled.difference, *(pooled.interval or ())) for pooled in recipe.capabilities]
        many = {name for pooled in recipe.capabilities if len(pooled.benchmarks) > 1 for name in pooled.benchmarks}
        expected += [known(check.difference, *(check.interval or ())) for check in asked if check.benchmark in many]
    assert shown == sorted(expected)
