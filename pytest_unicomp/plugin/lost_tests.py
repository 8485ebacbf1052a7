"""Finds the tests that were lost when a pytest-xdist worker died or a time limit passed, so that they are not taken for tests that were not selected."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.vocabulary import MARK_QUESTIONS, Question
from pytest_unicomp.plugin.asked import cell_of, question_of, report_name
from pytest_unicomp.plugin.planned import Planned
from pytest_unicomp.run.plan import Cell


@dataclass(frozen=True)
class Lost:
    """A test without a result: its name in the report, its question, and the reason."""

    name: str
    cell: Cell
    question: Question
    error: InfrastructureError


class LostTests:
    """Registered with the gate. A worker sends the list of its tests with its first report; the controller sees which were answered.

    The controller of pytest-xdist collects no tests itself, and a worker that was killed sends nothing more; all workers collect the same tests.
    """

    def __init__(self, planned: Planned) -> None:
        """Start with the planned tests and no results."""
        self._planned = planned
        self._unsent: dict[str, dict[str, Any]] = {}
        self._promised: dict[str, dict[str, Any]] = {}
        self._answered: set[str] = set()
        self._died: list[str] = []
        self._noted: list[Lost] = []

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """On a worker, record the questions of its tests."""
        if not hasattr(session.config, "workerinput"):
            return
        for item in session.items:
            cell = cell_of(item)
            if cell is not None:
                self._unsent[item.nodeid] = {"name": report_name(item), "cell": asdict(cell), "question": question_of(item)}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Send the list with the first report."""
        report = yield
        if self._unsent:
            report.unicomp_promised, self._unsent = self._unsent, {}
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """On the controller, gather the lists and note the answers; the report of a crash comes from no worker and has no `unicomp_ours`."""
        self._promised |= getattr(report, "unicomp_promised", {})
        if hasattr(report, "unicomp_ours") and (report.when == "call" or not report.passed):
            self._answered.add(report.nodeid)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Note that a worker died; one that finishes has no error."""
        if error is not None:
            self._died.append(str(node.gateway.id))

    def note(self, item: pytest.Item, error: InfrastructureError) -> None:
        """Record a test that was given up, with the reason."""
        cell = cell_of(item)
        if cell is not None:
            self._noted.append(Lost(report_name(item), cell, question_of(item), error))

    def found(self) -> list[Lost]:
        """Return the tests that were given up, and those that have no answer although a worker died."""
        if not self._died:
            return self._noted
        names = f"{', '.join(self._died)} of pytest-xdist"
        error = InfrastructureError(
            f"unicomp: no answer, because a worker process ({names}) died: killed, out of memory, or crashed; expected it to finish; run again."
        )
        if not self._promised:
            # No worker has ever reported a test.
            return [Lost(str(cell), cell, MARK_QUESTIONS[question], error) for question, cell in self._planned.unanswered()]
        return [
            Lost(asked["name"], Cell(**asked["cell"]), asked["question"], error)
            for nodeid, asked in self._promised.items()
            if nodeid not in self._answered
        ]
