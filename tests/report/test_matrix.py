"""The matrix: gating recipes first, columns in the vocabulary's order, a cell for every capability."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.report import html
from pytest_unicomp.report.matrix import is_unchanged, matrix
from tests.report import toy_report
from tests.report.page_reader import Page


def judged(name: str, *, gates: bool, capabilities: dict[str, float]) -> Report:
    return toy_report.report([toy_report.judge_recipe(name, "pruning", gates, capabilities, bits=4, seed=0)])


def test_gating_recipes_come_first_and_numbers_count_the_rows(report: Report) -> None:
    turned = matrix(report.model_copy(update={"recipes": report.recipes[::-1]}))
    assert [row.recipe.gates for row in turned.rows] == sorted((row.recipe.gates for row in turned.rows), reverse=True)
    assert [row.number for row in turned.rows] == list(range(1, len(turned.rows) + 1))
    assert turned.gating + turned.informing == turned.rows


def test_the_worst_recipe_of_each_kind_comes_first(report: Report) -> None:
    found = matrix(report)
    order = ["fail", "error", "not_comparable", "inconclusive", "pass"]
    for rows in (found.gating, found.informing):
        verdicts = [row.recipe.verdict for row in rows]
        assert verdicts == sorted(verdicts, key=order.index)
    assert [row.recipe.recipe for row in found.gating] == ["gptq-w4a16", "awq-w4a16", "rtn-w8a16"]


def test_every_row_has_a_cell_per_column_and_its_own_checks_only(report: Report) -> None:
    found = matrix(report)
    assert sum(width for _, width in found.dimensions) == len(found.columns)
    for row in found.rows:
        assert len(row.cells) == len(found.columns)
        assert {check.recipe for check in row.checks} <= {row.recipe.recipe}
        for column, cell in zip(found.columns, row.cells, strict=True):
            assert cell.pooled is None or cell.pooled.capability == column


def test_a_capability_that_the_vocabulary_lacks_is_the_last_of_its_dimension() -> None:
    report = judged("r", gates=True, capabilities={"knowledge": 0.0, "reasoning": 0.0})
    recipe = report.recipes[0]
    renamed = recipe.capabilities[0].model_copy(update={"capability": "astrology"})
    found = matrix(report.model_copy(update={"recipes": [recipe.model_copy(update={"capabilities": [renamed, *recipe.capabilities[1:]]})]}))
    assert found.columns == ("reasoning", "astrology")


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
    kept = [check for check in report.checks if check.question == "retention"]
    return report.model_copy(update={"checks": [*report.checks, *(check.model_copy(update=found) for check in kept)]})


def test_evidence_that_was_found_again_takes_one_line_and_no_plot() -> None:
    report = toy_report.full()
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
    assert is_unchanged(identical)
    assert not is_unchanged(identical.model_copy(update=changes))
