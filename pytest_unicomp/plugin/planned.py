"""Records the planned tests and those with a result, so that a run with deselected or unfinished tests is reported as partial."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.records import LeftOut, Partial
from pytest_unicomp.api.vocabulary import MARK_QUESTIONS
from pytest_unicomp.plugin.asked import cell_of, marked
from pytest_unicomp.plugin.stash import EXCUSED
from pytest_unicomp.plugin.suites import suites
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.run import Run

Key = tuple[str, str, str, str]
# The packaged suites ask these by dimension.
BY_DIMENSION = {"retention": ("performance", "reliability"), "drift": ("performance", "reliability")}


def cells_of(run: Run, question: str, dimensions: Sequence[str] | None = None) -> list[Cell]:
    """Return the cells of which a test asks that has this word in its mark, of all or of the given dimensions."""
    plan = run.plan
    cells = {
        "retention": lambda: plan.of_kind("items"),
        "drift": lambda: [cell for cell in plan.of_kind("items") if run.wants_drift(cell)],
        "must_pass": lambda: plan.holding(run.settings.must_pass),
        "reply_limits": lambda: plan.limited_replies(run.policy),
        "size": lambda: plan.of_kind("size"),
        "latency": lambda: plan.of_kind("latency"),
        "kernel": plan.kernels,
        "artifact": plan.artifacts,
        "calibration": plan.retargeted,
        "capability": plan.pooled,
    }[question]()
    return [cell for cell in cells if dimensions is None or cell.dimension in dimensions]


class Planned:
    """Registered with the gate. If the packaged suites are run, all that they ask is planned; of other tests, what is collected.

    A worker of pytest-xdist sends what it collected with its first report, and with each report whether it answers.
    """

    def __init__(self, config: pytest.Config, run: Run) -> None:
        """Start without planned tests."""
        self._config, self._run = config, run
        self._planned: dict[Key, Cell] = {}
        self._answered: set[Key] = set()
        self._unsent: list[dict[str, Any]] = []

    def pytest_sessionstart(self) -> None:
        """Plan what the packaged suites ask, if the command line names them or a part of them."""
        home, here = suites().resolve(), self._config.invocation_params.dir
        named = [(here / argument.partition("::")[0]).resolve() for argument in self._config.args]
        if any(path.is_relative_to(home) for path in named):
            self._plan_packaged()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Plan what is collected, before anything is deselected."""
        if any(_is_packaged(item.path) for item in items):
            self._plan_packaged()
        for item in items:
            cell = cell_of(item)
            if cell is not None:
                self._planned.setdefault(_key(cell, marked(item)), cell)
                self._unsent.append({"cell": asdict(cell), "question": marked(item)})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Mark a report that answers what its test asks, and send what was collected with the first one."""
        report = yield
        cell = cell_of(item)
        if cell is not None and _answers(item, call):
            report.unicomp_answers = list(_key(cell, marked(item)))
        if hasattr(self._config, "workerinput") and self._unsent:
            report.unicomp_planned, self._unsent = self._unsent, []
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather what was planned and answered, in this process or on a worker."""
        for sent in getattr(report, "unicomp_planned", ()):
            cell = Cell(**sent["cell"])
            self._planned.setdefault(_key(cell, sent["question"]), cell)
        if hasattr(report, "unicomp_answers"):
            recipe, benchmark, capability, question = report.unicomp_answers
            self._answered.add((recipe, benchmark, capability, question))

    def unanswered(self) -> list[tuple[str, Cell]]:
        """Return the planned tests that have no answer: the word of their mark, and their cell."""
        return [(key[3], cell) for key, cell in self._planned.items() if key not in self._answered]

    def partial(self, why: str, exit_code: int | None) -> Partial | None:
        """Return the planned checks without a verdict and the reason `why`, or None if all have one; `exit_code` None: the verdict decides it."""
        left = self.unanswered()
        if not left:
            return None
        missing = [
            LeftOut(recipe=cell.recipe, benchmark=cell.benchmark, capability=cell.capability, question=question) for question, cell in left
        ]
        return Partial(planned=len(self._planned), why=why, exit_code=exit_code, missing=missing)

    def _plan_packaged(self) -> None:
        for question in MARK_QUESTIONS:
            for cell in cells_of(self._run, question, BY_DIMENSION.get(question)):
                self._planned.setdefault(_key(cell, question), cell)


def _key(cell: Cell, question: str) -> Key:
    return cell.recipe, cell.benchmark, cell.capability, question


def _answers(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Return True if the test ran, or could not be set up; one that something else skips has no answer, unless its own fixture has excused it."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, pytest.skip.Exception):
        return item.stash.get(EXCUSED, False)
    return call.when == "call" or (call.when == "setup" and error is not None)


def _is_packaged(path: Path) -> bool:
    return path.is_relative_to(suites())
