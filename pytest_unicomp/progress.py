"""Shows what is being made while tests wait for it: one live line on a terminal, plain lines in a log, nothing under -q or on a worker."""

from __future__ import annotations

import time
from contextlib import nullcontext
from typing import Any

import pytest


class Progress:
    """Called with what starts now; counts against what was expected."""

    def __init__(self, config: pytest.Config) -> None:
        """Write through pytest's own terminal reporter, past its capturing."""
        self._config = config
        self._started = time.monotonic()
        self._expected = 0
        self._count = 0
        self._live = False
        self._line = ""

    def expect(self, steps: int) -> None:
        """Say how many steps are outstanding at most."""
        self._expected = steps

    def __call__(self, message: str) -> None:
        """Show one step."""
        self._count += 1
        seconds = time.monotonic() - self._started
        total = f"/{self._expected}" if self._expected >= self._count else ""
        self._line = f"unicomp [{self._count}{total}, {seconds:.0f} s] {message}"
        self._show(self._line, in_logs=True)

    def detail(self, message: str) -> None:
        """Show what happens inside a step, on a terminal only."""
        self._show(f"{self._line}: {message}", in_logs=False)

    def _show(self, line: str, *, in_logs: bool) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or hasattr(self._config, "workerinput") or reporter.verbosity < 0:
            return
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if reporter.isatty:
                reporter.ensure_newline()
                reporter.rewrite(line[: reporter._tw.fullwidth - 1], erase=True)
                self._live = True
            elif in_logs:
                reporter.ensure_newline()
                reporter.write_line(line)

    def clear(self) -> None:
        """Erase the live line."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._live and reporter is not None:
            reporter.rewrite("", erase=True)
            self._live = False
