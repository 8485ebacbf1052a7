"""The page, the Markdown and the LaTeX of a study: complete, and safe whatever a report is called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.report.study import findings, latex, markdown, page, study
from pytest_unicomp.report.study.radar_figures import radar_figures
from pytest_unicomp.report.study.retention_figures import retention_figures
from tests.report import toy_report
from tests.report.page_reader import Page
from tests.report.study import toy_study


@pytest.fixture
def models(tmp_path):
    names = (toy_report.NASTY[0], toy_report.NASTY[3], "c", "d", "e")
    reports = [
        toy_study.report(name, size, {"gptq-w4a16": toy_study.SCORES, "wanda-<b>50": toy_study.SCORES}) for size, name in enumerate(names)
    ]
    return toy_study.sourced(tmp_path, *reports)


def test_the_page_has_every_number_and_no_foreign_markup(models):
    made = study(models, {})
    text = page.render(made, models, findings(made, models))
    read = Page(text)
    shown = {number for _, table in read.tables for row in table for cell in row for number in cell.numbers}
    for cell in made.cells:
        assert {score.value for score in cell.scores.values()} <= shown
        assert {100 * kept.retention for kept in cell.kept if kept.retention is not None} <= shown
    assert "<script" not in text
    assert "<b>50" not in text


def test_every_figure_stands_beside_a_table_and_no_id_is_there_twice(models):
    read = Page(page.render(study(models, {}), models, []))
    identifiers = [value for _, name, value in read.attributes if name == "id"]
    assert len(identifiers) == len(set(identifiers))
    # Five models do not fit the four lines of one plot, so each recipe has two radars and two plots of retention.
    assert sum(value.startswith("study-radar-") and value.endswith("-title") for value in identifiers) == 4
    assert sum(value.startswith("study-kept-") and value.endswith("-title") for value in identifiers) == 4


def test_markdown_rows_have_as_many_cells_as_their_head(models):
    rows = [line for line in markdown.render(study(models, {}), findings(study(models, {}), models)).splitlines() if line.startswith("|")]
    widths = [len(re.findall(r"(?<!\\)\|", row)) for row in rows]
    heads = [place for place, row in enumerate(rows) if row.startswith("| --- |")]
    for start, end in zip(heads, [*(place - 1 for place in heads[1:]), len(rows)], strict=True):
        assert len(set(widths[start - 1 : end])) == 1


@given(st.text())
def test_latex_of_any_text_closes_what_it_opens_and_has_no_comment(text):
    made = latex.escaped(text)
    bare = re.sub(r"\\[A-Za-z]+\{\}|\\[{}$&#%_,]|\{[\[\]]\}|\$-\$", "", made)
    assert not set(bare) & set("\\{}$&#%_^~[]")
    assert "\n" not in made


def test_latex_has_a_table_for_each_of_the_page(models):
    made = latex.render(study(models, {}), findings(study(models, {}), models))
    assert made.count(r"\begin{table}") == made.count(r"\end{table}") == 6
    assert made.count(r"\begin{tabular}") == made.count(r"\end{tabular}")
    assert r"wanda-\textless{}b\textgreater{}50" in made


def test_a_model_has_the_same_line_in_every_plot(tmp_path):
    first = toy_study.report("first", 1, {"gptq-w4a16": toy_study.SCORES})
    second = toy_study.report("second", 2, {"gptq-w4a16": toy_study.SCORES, "wanda-50": toy_study.SCORES})
    made = study(toy_study.sourced(tmp_path, first, second), {})
    for figures in (radar_figures(made), retention_figures(made)):
        assert [figure.lines for figure in figures] == [((1, "first"), (2, "second")), ((2, "second"),)]
