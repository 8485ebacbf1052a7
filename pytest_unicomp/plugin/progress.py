"""Show the progress of what tests wait for: one live line on a terminal, plain lines in a log, nothing under -q or on a worker."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import pytest

from pytest_unicomp.plugin.eta import StepTracker, about
from pytest_unicomp.run.step import Step

RECIPES_NAMED = 3
# Seconds between two lines of a log about one step: enough to see that it is alive.
BETWEEN_DETAILS = 30.0


class Progress:
    """Called with the step that starts now; shows what is left and about how long that takes."""

    def __init__(self, config: pytest.Config) -> None:
        """Write through pytest's own terminal reporter, past its capturing."""
        self._config = config
        self._started = time.monotonic()
        self._tracker = StepTracker()
        self._live = False
        self._line = ""
        self._written = self._started

    def expect(self, steps: Iterable[Step]) -> None:
        """Take note of what a run with an empty store would do, in order."""
        self._tracker.expect(steps)

    def settle(self, recipe: str, benchmark: str) -> None:
        """Note that a test has its answer: its steps are done, or were in the store."""
        self._tracker.end(time.monotonic())
        self._tracker.settle(recipe, benchmark)

    def __call__(self, step: Step) -> None:
        """Show the step that starts now."""
        now = time.monotonic()
        self._tracker.begin(step, now)
        left = self._tracker.seconds_left()
        shown = [self._tracker.place, f"{now - self._started:.0f} s", *([f"{about(left)} left"] if left else [])]
        self._line = f"unicomp [{', '.join(shown)}] {step}"
        self._show(f"{self._line}{self._rest()}", in_logs=True)

    def _rest(self) -> str:
        """Return how many steps are left for the recipes that come next."""
        recipes = self._tracker.by_recipe
        named = [f"{name} {count}" for name, count in list(recipes.items())[:RECIPES_NAMED]]
        others = len(recipes) - len(named)
        return f"; left: {', '.join(named)}{f' and {others} more recipes' if others else ''}" if named else ""

    def detail(self, message: str) -> None:
        """Show what happens inside a step: always on a terminal, in a log if its last line is half a minute old."""
        self._show(f"{self._line}: {message}", in_logs=time.monotonic() - self._written >= BETWEEN_DETAILS)

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
                self._written = time.monotonic()

    def clear(self) -> None:
        """Erase the live line."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._live and reporter is not None:
            reporter.rewrite("", erase=True)
            self._live = False
