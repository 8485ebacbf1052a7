"""Prints the verdict after everything else, pytest's own summary included."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.plugin.suites import suites

LOG_WIDTH = 100
# A block of text this wide is still read; a table may be wider.
WIDEST = 100


def width_of(reporter: Any) -> int:
    """Return the columns of the terminal; a log has no width of its own, and pytest assumes 80 columns for it, which would cut names."""
    columns: int = reporter._tw.fullwidth if reporter.isatty else LOG_WIDTH
    return columns


class LastLines:
    """Registered with the gate; `lines` returns the block for a width and its colour, or None if there is no verdict."""

    def __init__(self, config: pytest.Config, lines: Callable[[int], tuple[list[str], str] | None]) -> None:
        """Keep pytest-benchmark's tables back, unless they are requested with -v or the run has tests of others."""
        self._config, self._lines = config, lines

    def pytest_sessionstart(self) -> None:
        """Ask pytest-benchmark for silence: its numbers are in the report, beside the reference's."""
        ours = suites().resolve()
        named = [Path(argument.partition("::")[0]).resolve() for argument in self._config.args]
        session = getattr(self._config, "_benchmarksession", None)
        if session is not None and self._config.option.verbose <= 0 and all(path.is_relative_to(ours) for path in named):
            session.quiet = not self._config.getoption("benchmark_verbose", False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, Any, Any]:
        """Print the block when all others have printed."""
        result = yield
        reporter: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            return result
        found = self._lines(min(WIDEST, width_of(reporter)))
        if found is not None:
            lines, verdict = found
            colour = {"pass": {"green": True}, "inconclusive": {"yellow": True}}.get(verdict, {"red": True})
            reporter.ensure_newline()
            reporter.write_sep("=", "verdict", bold=True, **colour)
            for line in lines:
                reporter.write_line(line)
        return result
