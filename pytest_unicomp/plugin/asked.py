"""The request of a collected test: its cell, its question, and its name in the report."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.vocabulary import MARK_QUESTIONS, Question
from pytest_unicomp.plugin.suites import suites
from pytest_unicomp.run.plan import Cell

MARK = "unicomp"
FIXTURE = "unicomp"


def report_name(item: pytest.Item) -> str:
    """Return the item's name in the report: that of a packaged suite begins with suites/ wherever it is installed."""
    if not item.path.is_relative_to(suites()):
        return item.nodeid
    return f"suites/{item.path.relative_to(suites()).as_posix()}::{item.nodeid.partition('::')[2]}"


def uses_gate(item: pytest.Item) -> bool:
    """Return True for a test of the matrix: it requests the fixture `unicomp`, itself or through another one."""
    return FIXTURE in getattr(item, "fixturenames", ())


def cell_of(item: pytest.Item) -> Cell | None:
    """Return the cell that a test was given, or None if it is not one of the matrix."""
    callspec = getattr(item, "callspec", None)
    found = callspec.params.get("cell") if callspec else None
    return found if isinstance(found, Cell) else None


def marked(item: pytest.Item) -> str:
    """Return the `question` of a test's mark, "retention" by default; it is not validated against MARK_QUESTIONS here."""
    mark = item.get_closest_marker(MARK)
    question: str = mark.kwargs.get("question", "retention") if mark else "retention"
    return question


def question_of(item: pytest.Item) -> Question:
    """Return the question of a test's mark as the report names it."""
    return MARK_QUESTIONS[marked(item)]
