"""Shows what is being made while tests wait for it: one live line on a terminal, plain lines in a log, nothing under -q or on a worker."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import pytest

from pytest_unicomp.plugin.eta import Remaining, about

RECIPES_NAMED = 3


class Progress:
    """Called with what starts now; tells what is left and about how long that takes."""

    def __init__(self, config: pytest.Config) -> None:
        """Write through pytest's own terminal reporter, past its capturing."""
        self._config = config
        self._started = time.monotonic()
        self._remaining = Remaining()
        self._live = False
        self._line = ""

    def expect(self, steps: Iterable[str]) -> None:
        """Say what a run with an empty store would do, in order."""
        self._remaining.expect(steps)

    def settle(self, recipe: str, benchmark: str) -> None:
        """Say that a test has its answer: its steps are done, or were in the store."""
        self._remaining.end(time.monotonic())
        self._remaining.settle(recipe, benchmark)

    def __call__(self, message: str) -> None:
        """Show one step."""
        now = time.monotonic()
        self._remaining.begin(message, now)
        left = self._remaining.seconds_left()
        shown = [self._remaining.place, f"{now - self._started:.0f} s", *([f"{about(left)} left"] if left else [])]
        self._line = f"unicomp [{', '.join(shown)}] {message}"
        self._show(f"{self._line}{self._rest()}", in_logs=True)

    def _rest(self) -> str:
        """Say how many steps are left for the recipes that come next."""
        recipes = self._remaining.by_recipe
        named = [f"{name} {count}" for name, count in list(recipes.items())[:RECIPES_NAMED]]
        others = len(recipes) - len(named)
        return f"; left: {', '.join(named)}{f' and {others} more recipes' if others else ''}" if named else ""

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
