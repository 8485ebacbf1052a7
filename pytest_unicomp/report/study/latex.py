"""Renders the tables of a study as LaTeX (package booktabs), every text of a report escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from pytest_unicomp.report.study.findings import Finding
from pytest_unicomp.report.study.records import Study
from pytest_unicomp.report.study.tables import MARK, Table, tables
from pytest_unicomp.report.visible import one_line

# The ten special characters of TeX, and those of our own tables that an engine without Unicode fonts lacks.
SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "[": "{[}",
    "]": "{]}",
    "−": "$-$",
    "–": "--",
    "\u202f": r"\,",
    MARK: r"\ddag{}",
}
_SPECIAL: Final = re.compile("|".join(map(re.escape, SPECIAL)))


def escaped(text: str) -> str:
    """Return untrusted text on one line so that TeX prints it: it ends no group, starts no command and no comment.

    A bracket is in braces, since one behind a row's end would be read as a length.
    """
    return _SPECIAL.sub(lambda found: SPECIAL[found[0]], one_line(text))


def render(study: Study, findings: Sequence[Finding]) -> str:
    """Return one table environment per table of the study, for a document that loads booktabs and graphicx."""
    head = [
        "% Made by `unicomp study`. Needs \\usepackage{booktabs} and \\usepackage{graphicx}.",
        f"% {100 * study.confidence:.4g} % intervals in brackets; \\ddag: not compared between models.",
    ]
    return "\n".join([*head, *(_table(table) for table in tables(study, findings))]) + "\n"


def _table(table: Table) -> str:
    columns = "l" * table.texts + "r" * (len(table.columns) - table.texts)
    return "\n".join(
        [
            "",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escaped(table.title)}}}",
            r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            _row(table.columns),
            r"\midrule",
            *map(_row, table.rows),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
        ]
    )


def _row(cells: tuple[str, ...]) -> str:
    return f"{' & '.join(map(escaped, cells))} \\\\"
