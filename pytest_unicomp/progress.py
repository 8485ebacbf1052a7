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

    def expect(self, steps: int) -> None:
        """Say how many steps are outstanding at most."""
        self._expected = steps

    def __call__(self, message: str) -> None:
        """Show one step."""
        self._count += 1
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None or hasattr(self._config, "workerinput") or reporter.verbosity < 0:
            return
        seconds = time.monotonic() - self._started
        total = f"/{self._expected}" if self._expected >= self._count else ""
        line = f"unicomp [{self._count}{total}, {seconds:.0f} s] {message}"
        capture: Any = self._config.pluginmanager.get_plugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            reporter.ensure_newline()
            if reporter.isatty:
                reporter.rewrite(line, erase=True)
                self._live = True
            else:
                reporter.write_line(line)

    def clear(self) -> None:
        """Erase the live line."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._live and reporter is not None:
            reporter.rewrite("", erase=True)
            self._live = False
