"""Prints the verdict after everything else, pytest's own summary included."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.records import Report
from pytest_unicomp.api.unforeseen import unforeseen
from pytest_unicomp.plugin.ending import INFRASTRUCTURE
from pytest_unicomp.plugin.report_files import WrittenReports
from pytest_unicomp.plugin.suites import suites

LOG_WIDTH = 100
# A block of text this wide is still read; a table may be wider.
WIDEST = 100


def width_of(reporter: Any) -> int:
    """Return the width of the terminal in columns; wider if the output is a log, for which pytest assumes 80 columns and would cut names."""
    columns: int = reporter._tw.fullwidth if reporter.isatty else LOG_WIDTH
    return columns


def _all_words(config: pytest.Config) -> list[str]:
    """Return the words of pytest's command line, with those that the configuration file and the environment put before them."""
    before = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    return [*config.getini("addopts"), *before, *map(str, config.invocation_params.args)]


@dataclass(frozen=True)
class Ended:
    """The end of a run: its report, the exit code of the process, lines to print after the matrix, and the reports that were written."""

    answer: Report
    exit_code: int
    closing: Sequence[str]
    written: WrittenReports


class LastLines:
    """Registered with the gate; `ended` returns the end of the run, or None if nothing was gated."""

    def __init__(self, config: pytest.Config, ended: Callable[[], Ended | None]) -> None:
        """Store the arguments."""
        self._config, self._ended = config, ended
        self._traced = False

    @property
    def _alone(self) -> bool:
        """True if only the packaged suites run, and nobody has asked for more words."""
        ours = suites().resolve()
        named = [Path(argument.partition("::")[0]).resolve() for argument in self._config.args]
        return self._config.option.verbose <= 0 and all(path.is_relative_to(ours) for path in named)

    def pytest_sessionstart(self) -> None:
        """Hide pytest-benchmark's tables, whose numbers are in the report, unless -v is given or other tests run too."""
        session = getattr(self._config, "_benchmarksession", None)
        if session is not None and self._alone:
            session.quiet = not self._config.getoption("benchmark_verbose", False)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure that is more than a sentence: its trace is shown nowhere else."""
        self._traced = self._traced or (report.failed and not isinstance(report.longrepr, str))

    def _fold(self) -> None:
        """Leave out pytest's own lists of failures if the matrix and the verdict say all that they do, and no flag asks for them."""
        option = self._config.option
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        asked = any(word.startswith(("-r", "--tb", "--report-chars", "--full-trace")) for word in _all_words(self._config))
        if reporter is not None and self._alone and not self._traced and not asked:
            option.tbstyle, reporter.reportchars = "no", ""

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix recipe x capability and each recipe's reason, with the hashes of evidence under -v."""
        found = self._ended()
        if found is None:
            return
        from pytest_unicomp.report import terminal

        terminalreporter.section("unicomp", sep="=")
        evidence = self._config.option.verbose > 0
        try:
            lines = [*terminal.summary_lines(found.answer, width_of(terminalreporter), evidence=evidence), *found.closing]
        except Exception as error:  # noqa: BLE001 - here pytest itself would end with 1, which reads as FAIL
            terminalreporter._session.exitstatus = INFRASTRUCTURE
            lines = [unforeseen(error)]
        for line in lines:
            terminalreporter.write_line(line)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Print the verdict when all others have printed."""
        self._fold()
        result = yield
        self.print_verdict(session)
        return result

    def print_all(self, session: pytest.Session) -> None:
        """Print the matrix and the verdict at once."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self.pytest_terminal_summary(reporter)
            self.print_verdict(session)

    def print_verdict(self, session: pytest.Session) -> None:
        """Print the verdict, the worst findings, where the reports are and what to do next; nothing without an answer."""
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        found = self._ended()
        if reporter is None or found is None:
            return
        from pytest_unicomp.report.verdict_block import verdict_lines

        colour = {"pass": {"green": True}, "inconclusive": {"yellow": True}}.get(found.answer.verdict, {"red": True})
        reporter.ensure_newline()
        reporter.write_sep("=", "verdict", bold=True, **colour)
        width = min(WIDEST, width_of(reporter))
        try:
            lines = verdict_lines(
                found.answer, exit_code=found.exit_code, width=width, closing=found.written.lines, paths=found.written.paths
            )
        except Exception as error:  # noqa: BLE001 - as above
            session.exitstatus = INFRASTRUCTURE
            lines = [unforeseen(error)]
        for line in lines:
            reporter.write_line(line)
