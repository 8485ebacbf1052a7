"""Shows what is being made while tests wait for it: one live line on a terminal, a line a minute in a log, nothing under -q or on a worker."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TextIO

import pytest

from pytest_unicomp.plugin.eta import StepTracker, about
from pytest_unicomp.run.step import Step

# Seconds between two lines of a log, and between two looks at a live line that nothing else has changed.
LOG_EVERY = 60.0
LIVE_EVERY = 5.0


class Progress:
    """Called with the step that starts now; shows it, what happens inside it, and about how long the rest takes.

    A thread redraws the line during a step. Lines go past pytest's own writer and its capturing, below its dots, so that it does not
    begin a new line for the next dot.
    """

    def __init__(self, config: pytest.Config, *, clock: Callable[[], float] = time.monotonic, stream: TextIO | None = None) -> None:
        """Duplicate the terminal's stream before pytest captures it; `stream` is written to in its place."""
        self._config, self._clock = config, clock
        self._started = clock()
        self._tracker = StepTracker()
        self._stream = stream or _uncaptured()
        self._lock = threading.RLock()
        self._live = False
        self._detail = ""
        self._step: tuple[Step, float] | None = None
        self._shown: float | None = None
        self._closed = threading.Event()

    def expect(self, steps: Iterable[Step]) -> None:
        """Set the steps of a run with an empty store, in order, as the basis of the estimate."""
        self._tracker.expect(steps)

    def settle(self, recipe: str, benchmark: str) -> None:
        """Mark the steps of a finished test as done, including those that the store already held."""
        with self._lock:
            self._tracker.end(self._clock())
            self._tracker.settle(recipe, benchmark)
            self._step = None
        self.clear()

    def __call__(self, step: Step) -> None:
        """Show the step that starts now."""
        now = self._clock()
        with self._lock:
            first = self._step is None and self._shown is None
            self._tracker.begin(step, now)
            self._step, self._detail = (step, now), ""
        if first and self._reporter() is not None:
            threading.Thread(target=self._repeat, name="unicomp-progress", daemon=True).start()
        self.show()

    def detail(self, message: str) -> None:
        """Show what happens inside a step."""
        self._detail = message
        self.show()

    def show(self) -> None:
        """Show the running step: at once on a terminal, in a log if the last line is a minute old."""
        with self._lock:
            reporter, now = self._reporter(), self._clock()
            if reporter is None or self._step is None:
                return
            if reporter.isatty:
                self._erase(reporter)
                self._write(reporter, "\n" + self._line(now)[: reporter._tw.fullwidth - 1])
                self._live = True
            elif self._shown is None or now - self._shown >= LOG_EVERY:
                # A line of its own: pytest's dots go on in the next one.
                self._write(reporter, ("\n" if reporter._tw.width_of_current_line else "") + self._line(now) + "\n")
            else:
                return
            self._shown = now

    def clear(self) -> None:
        """Erase the live line, and put the cursor back behind pytest's last dot."""
        with self._lock:
            reporter = self._reporter()
            if reporter is not None:
                self._erase(reporter)

    def close(self) -> None:
        """Stop the display; later calls have no effect."""
        self.clear()
        self._closed.set()

    def _line(self, now: float) -> str:
        if self._step is None:
            return ""
        step, began = self._step
        left = self._tracker.seconds_left(now)
        shown = [self._tracker.place, f"{now - self._started:.0f} s", *([f"{about(left)} left"] if left else [])]
        lasts = f" ({now - began:.0f} s)" if now - began >= LIVE_EVERY else ""
        return f"unicomp [{', '.join(shown)}] {step}{lasts}" + (f": {self._detail}" if self._detail else "")

    def _repeat(self) -> None:
        while not self._closed.wait(LIVE_EVERY):
            self.show()

    def _reporter(self) -> Any:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        silent = reporter is None or hasattr(self._config, "workerinput") or reporter.verbosity < 0 or self._closed.is_set()
        return None if silent else reporter

    def _erase(self, reporter: Any) -> None:
        if self._live:
            column = reporter._tw.width_of_current_line % reporter._tw.fullwidth + 1
            self._write(reporter, f"\r\x1b[2K\x1b[1A\x1b[{column}G")
            self._live = False

    def _write(self, reporter: Any, text: str) -> None:
        stream = self._stream or reporter._tw._file
        stream.write(text)
        stream.flush()


def _uncaptured() -> TextIO | None:
    """Return standard output as it is before pytest captures it, or None if it is no file of the system."""
    try:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding or "utf-8", errors="backslashreplace")
    except (OSError, ValueError):
        return None
