"""Renders a study as GitHub-flavoured Markdown: its tables, every text of a report escaped."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_unicomp.compare.wording import counted
from pytest_unicomp.report.markdown import escaped
from pytest_unicomp.report.study.findings import Finding
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.tables import MARK, tables

KEY = f"Intervals in brackets. {MARK}: not compared between models, see what differs."


def render(study: Study, findings: Sequence[Finding]) -> str:
    """Return the study as Markdown."""
    lines = [
        f"## unicomp study: {counted(len(study.recipes), 'recipe')}, {counted(len(study.models), 'model')}",
        "",
        f"{100 * study.confidence:.4g} % intervals. {KEY}",
        "",
    ]
    for table in tables(study, findings):
        lines += [f"### {escaped(table.title)}", "", _row(table.columns)]
        lines.append(f"|{' --- |' * table.texts}{' ---: |' * (len(table.columns) - table.texts)}")
        lines += [*map(_row, table.rows), ""]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escaped, cells))} |"
