"""The matrix: gating recipes first, columns in the vocabulary's order, a cell for every capability."""

from __future__ import annotations

from pytest_unicomp.api.records import Report
from pytest_unicomp.report.matrix import matrix
from tests.report import toy_report


def judged(name: str, *, gates: bool, capabilities: dict[str, float]) -> Report:
    return toy_report.report([toy_report.judge_recipe(name, "pruning", gates, capabilities, bits=4, seed=0)])


def test_gating_recipes_come_first_and_numbers_count_the_rows(report: Report) -> None:
    turned = matrix(report.model_copy(update={"recipes": report.recipes[::-1]}))
    assert [row.recipe.gates for row in turned.rows] == sorted((row.recipe.gates for row in turned.rows), reverse=True)
    assert [row.number for row in turned.rows] == list(range(1, len(turned.rows) + 1))
    assert turned.gating + turned.informing == turned.rows


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
