"""Drift checks that equal their baseline take one line."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html, unchanged
from tests.report import toy_report
from tests.report.page_reader import Page


@pytest.fixture(scope="module")
def report() -> Report:
    return toy_report.full()


def with_drift(report: Report) -> Report:
    """The report with a drift check that found the stored evidence again beside every retention check."""
    found = {
        "question": "drift",
        "difference": 0.0,
        "interval": (0.0, 0.0),
        "verdict": "pass",
        "reason": "identical evidence",
        "examples": [],
    }
    asked = [check for check in report.checks if check.question == "retention"]
    return report.model_copy(update={"checks": [*report.checks, *(check.model_copy(update=found) for check in asked)]})


def test_evidence_that_was_found_again_takes_one_line_and_no_plot(report: Report) -> None:
    before, after = Page(html.render(report)), Page(html.render(with_drift(report)))
    assert len(after.named("forest")) == len(before.named("forest"))
    for rows, longer in zip(before.named("checks"), after.named("checks"), strict=True):
        assert [cell.text for cell in longer[-1][1:3]] == ["✓ pass", "drift"]
        assert "The same as the stored baseline, item by item: nano-" in longer[-1][-1].text
        assert len(longer) == len(rows) + 1


@pytest.mark.parametrize(
    "changes", [{"difference": 0.001}, {"interval": (-0.01, 0.01)}, {"verdict": "inconclusive"}, {"changes": ["torch 2.12.0 -> 2.13.0"]}]
)
def test_a_drift_check_that_differs_in_anything_keeps_its_own_line(changes: dict[str, object]) -> None:
    identical = with_drift(toy_report.full()).checks[-1]
    assert unchanged.is_unchanged(identical)
    assert not unchanged.is_unchanged(identical.model_copy(update=changes))
