"""The gate inside pytest: parametrizes tests with cells, converts verdicts to pytest's outcomes, and writes the report at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import UnicompError, UsageProblem, VerdictError
from pytest_unicomp.api.records import CapabilityVerdict, Check, KernelReport, Report
from pytest_unicomp.api.unforeseen import unforeseen
from pytest_unicomp.api.vocabulary import FAMILIES, MARK_QUESTIONS
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.plugin.asked import MARK, cell_of, marked, question_of, report_name
from pytest_unicomp.plugin.baseline_lines import baseline_lines
from pytest_unicomp.plugin.ending import INFRASTRUCTURE, USAGE, exit_code, partial_of
from pytest_unicomp.plugin.faults import Faults
from pytest_unicomp.plugin.interruption import Interruption
from pytest_unicomp.plugin.last_lines import Ended, LastLines
from pytest_unicomp.plugin.lost_tests import LostTests
from pytest_unicomp.plugin.neighbours import Neighbours
from pytest_unicomp.plugin.opening import Opening
from pytest_unicomp.plugin.planned import Planned, cells_of
from pytest_unicomp.plugin.progress import Progress
from pytest_unicomp.plugin.report_files import WrittenReports, remove_earlier, write_reports
from pytest_unicomp.plugin.stash import CHECKS, KERNELS, POOLED
from pytest_unicomp.plugin.time_limit import TimeLimit
from pytest_unicomp.plugin.worker_gpu import choose_gpu
from pytest_unicomp.run.plan import Cell
from pytest_unicomp.run.run import Run, threads_for

# After these pytest prints its summary, and the gate's with it.
SUMMARIZED = (0, 1, 2, 4, 5)
EXIT: pytest.StashKey[int] = pytest.StashKey()
WORDS = {"inconclusive": ("I", "INCONCLUSIVE"), "not_comparable": ("N", "NOT COMPARABLE"), "waived": ("W", "WAIVED")}


class Gate:
    """Registered once a model is named; on xdist workers it makes checks, on the controller it gathers them."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        """Validate the settings without running anything; raise UsageProblem for the first fault."""
        from pytest_unicomp import report

        self.config = config
        self.settings = settings
        for path in settings.report:
            report.validate(Path(path))
        self.progress = Progress(config)
        choose_gpu(settings.device)
        self.run = Run(settings, progress=self.progress, detail=self.progress.detail)
        self.checks: list[Check] = []
        self.kernels: list[KernelReport] = []
        self.others_failed = False
        self.broken = False
        self.planned = Planned(config, self.run)
        self.lost = LostTests(self.planned)
        self.interruption = Interruption()
        for part in (self.planned, self.lost, self.interruption):
            config.pluginmanager.register(part)
        self.closing: list[str] = []
        self.written = WrittenReports()
        config.pluginmanager.register(Neighbours())
        config.pluginmanager.register(Opening(config, self.run.prepared))
        last_lines = LastLines(config, self.ended)
        config.pluginmanager.register(last_lines)
        config.pluginmanager.register(TimeLimit(self.lost, self.pytest_sessionfinish, last_lines))
        self.faults = Faults()
        config.pluginmanager.register(self.faults)
        self.answer: Report | None = None
        # Read when torch is loaded: threads that wait must not burn the cores that other processes, or other workers, need.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        if workers > 1:
            os.environ.setdefault("OMP_NUM_THREADS", str(threads_for(workers)))

    # Collection

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give a test its cells, each with the marks of its dimension, capability and family."""
        mark, question = metafunc.definition.get_closest_marker(MARK), marked(metafunc.definition)
        if question not in MARK_QUESTIONS:
            raise pytest.UsageError(
                f"unicomp: {metafunc.definition.nodeid} asks {question!r}; expected one of {', '.join(MARK_QUESTIONS)}."
            )
        dimension = mark.kwargs.get("dimension") if mark else None
        cells = cells_of(self.run, question, None if dimension is None else (dimension,))
        metafunc.parametrize("cell", [pytest.param(cell, id=str(cell), marks=_marks(cell)) for cell in cells], indirect=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Drop tests that have no cells in this plan; order the others so that those of one artifact run together, its pooled verdict last."""
        without = [item for item in items if "cell" in getattr(item, "fixturenames", ()) and cell_of(item) is None]
        if without:
            items[:] = [item for item in items if item not in without]
        order = {candidate.name: place for place, candidate in enumerate(self.run.plan.candidates)}

        def place(item: pytest.Item) -> tuple[int, int]:
            cell, question = cell_of(item), marked(item)
            if "claim" in getattr(item, "fixturenames", ()):
                # What holds is known when all is measured.
                return (len(order) + 1, 0)
            if cell is None:
                return (-1, 0)
            # Timings last: they need two models in memory and a quiet machine.
            return (len(order) if question in ("latency", "kernel") else order[cell.recipe], list(MARK_QUESTIONS).index(question))

        items.sort(key=place)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Announce the cells of the selected tests to the executor."""
        if not self.config.option.collectonly:
            try:
                self.run.promise(cell for item in session.items if (cell := cell_of(item)) is not None)
            except UnicompError as error:
                pytest.exit(str(error), returncode=USAGE if isinstance(error, UsageProblem) else INFRASTRUCTURE)
            self.progress.expect(self.run.outstanding())

    # One test

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Attach the checks to the report, and put a verdict or a broken cell into one line."""
        report = yield
        cell = cell_of(item)
        error = call.excinfo.value if call.excinfo else None
        checks = item.stash.get(CHECKS, [])
        if isinstance(error, UnicompError) and self.config.option.tbstyle in ("auto", "short", "line", "no"):
            report.longrepr = str(error)
        if call.when == "setup" and cell is not None and error is not None and not isinstance(error, pytest.skip.Exception):
            checks = [self.run.broken(cell, question_of(item), error)] if cell.benchmark else []
            report.unicomp_broken = cell.gates
        elif call.when == "call" and isinstance(error, VerdictError):
            self._report_verdict(report, item, error)
        if call.when == "call" or (checks and error is not None):
            dressed = [check.model_copy(update={"nodeid": report_name(item), "seconds": report.duration}) for check in checks]
            report.unicomp_checks = [check.model_dump(mode="json") for check in dressed]
            report.unicomp_kernels = [table.model_dump(mode="json") for table in item.stash.get(KERNELS, [])]
            # JUnit reads the properties of the last phase, which are those of the item.
            found: list[Check | CapabilityVerdict] = [*dressed, *([item.stash[POOLED]] if POOLED in item.stash else [])]
            item.user_properties.extend(pair for entry in found for pair in _properties(entry))
        if cell is not None and (call.when == "call" or error is not None):
            self.progress.settle(cell.recipe, cell.benchmark)
        report.unicomp_ours = cell is not None
        return report

    def _report_verdict(self, report: Any, item: pytest.Item, error: VerdictError) -> None:
        """Report a verdict that does not decide as a skip with its reason, and one that does as a failure in one line."""
        report.unicomp_outcome = error.verdict
        report.longrepr = str(error)
        if not error.binding or (error.verdict in WORDS and self.settings.inconclusive == "warn"):
            report.unicomp_outcome = error.verdict if error.verdict in WORDS else "inconclusive"
            path, line, _ = item.location
            report.outcome = "skipped"
            report.longrepr = (path, line or 0, str(error))

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
        """Show INCONCLUSIVE, NOT COMPARABLE and WAIVED as categories of their own."""
        outcome = getattr(report, "unicomp_outcome", None)
        if report.when == "call" and outcome in WORDS:
            letter, word = WORDS[outcome]
            return outcome.replace("_", " "), letter, (word, {"yellow": True})
        return None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """Erase the live progress line before pytest writes."""
        self.progress.clear()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather checks, from this process or from a worker, and give JUnit the failure's type."""
        self.checks += [Check.model_validate(check) for check in getattr(report, "unicomp_checks", [])]
        self.kernels += [KernelReport.model_validate(table) for table in getattr(report, "unicomp_kernels", [])]
        self.broken = self.broken or getattr(report, "unicomp_broken", False)
        if report.failed and not getattr(report, "unicomp_ours", False):
            self.others_failed = True
        if report.failed and getattr(report, "unicomp_outcome", None) in WORDS:
            _type_junit_failure(self.config, report)

    # The end

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Conclude, write the reports and set the exit code, however the session ends; a usage error has begun nothing."""
        self.closing += self.faults.lines
        self.broken = self.broken or bool(self.faults.lines)
        try:
            self.progress.close()
            self.run.close()
            if hasattr(self.config, "workerinput") or self.config.option.collectonly or exitstatus == USAGE:
                return
            self._conclude(session, exitstatus)
        except Exception as error:  # noqa: BLE001 - here pytest itself would end with 1, which reads as FAIL
            session.exitstatus = INFRASTRUCTURE
            self.closing.append(str(error) if isinstance(error, UnicompError) else unforeseen(error))
        finally:
            self.config.stash[EXIT] = int(session.exitstatus)
            if self.closing and (self.answer is None or exitstatus not in SUMMARIZED):
                # pytest then prints no summary.
                sys.stderr.write("\n" + "\n".join(self.closing) + "\n")

    def _conclude(self, session: pytest.Session, exitstatus: int) -> None:
        self._count_lost()
        partial = partial_of(self.planned, session, exitstatus, signal=self.interruption.by)
        if not self.checks and partial is None:
            return
        checks, kernels = sorted(self.checks, key=self.run.place), sorted(self.kernels, key=lambda table: table.format)
        self.answer = self.run.conclude(checks, kernels, partial)
        session.exitstatus = exit_code(self.answer, exitstatus, broken=self.broken, others_failed=self.others_failed)
        self.closing += self.run.plan.notes
        complete = partial is None and not self.config.pluginmanager.hasplugin("dsession")
        self.closing += baseline_lines(self.answer, self.run, complete=complete)
        self.written = write_reports(self.answer, self.settings.report)
        if len(self.written.paths) < len(self.settings.report):
            session.exitstatus = INFRASTRUCTURE

    def _count_lost(self) -> None:
        """Add an error check for each test that was lost with its worker."""
        for lost in self.lost.found():
            self.broken = self.broken or lost.cell.gates
            self.closing.append(f"ERROR: {lost.name}: {lost.error}")
            if lost.cell.benchmark:
                check = self.run.broken(lost.cell, lost.question, lost.error)
                self.checks.append(check.model_copy(update={"nodeid": lost.name}))

    def pytest_sessionstart(self) -> None:
        """Delete the reports of an earlier run, so that after a kill they cannot be mistaken for this run's."""
        if not hasattr(self.config, "workerinput") and not self.config.option.collectonly:
            remove_earlier(self.settings.report)

    def ended(self) -> Ended | None:
        """Return the report with the lines to print after it, or None if nothing was gated."""
        if self.answer is None:
            return None
        return Ended(self.answer, int(self.config.stash.get(EXIT, self.answer.exit_code)), self.closing, self.written)


def _marks(cell: Cell) -> list[pytest.MarkDecorator]:
    names = [cell.dimension, cell.capability, *([cell.family] if cell.family in FAMILIES else [])]
    return [getattr(pytest.mark, name) for name in names]


def _properties(entry: Check | CapabilityVerdict) -> list[tuple[str, Any]]:
    """List the JUnit properties of a check or capability; fields that it lacks or that are None are omitted."""
    names = ("verdict", "difference", "interval", "margin", "n", "minimum_detectable_effect", "evidence")
    values = [(name, getattr(entry, name, None)) for name in names]
    shown = [(f"unicomp_{name}", list(value) if isinstance(value, tuple) else value) for name, value in values if value is not None]
    return [*shown, *([("unicomp_waived", "true")] if entry.waived else [])]


def _type_junit_failure(config: pytest.Config, report: Any) -> None:
    """Set the type of the failure that pytest's JUnit writer has just made; the writer itself offers no way to."""
    try:
        from _pytest.junitxml import xml_key
    except ImportError:
        return
    writer = config.stash.get(xml_key, None)
    if writer is not None:
        for element in writer.node_reporter(report).nodes:
            if element.tag == "failure":
                element.set("type", report.unicomp_outcome)
