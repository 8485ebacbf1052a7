"""Ends a run if a time limit of pytest-timeout passes within a test of the matrix: with a report and the verdict, instead of an interrupted library."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.unforeseen import unforeseen
from pytest_unicomp.plugin.asked import uses_gate
from pytest_unicomp.plugin.ending import INFRASTRUCTURE
from pytest_unicomp.plugin.last_lines import LastLines
from pytest_unicomp.plugin.lost_tests import LostTests

# pytest-timeout raises inside whatever the test does. Within a library that leaves modules half imported and crashes Python later,
# so here the clock runs in a thread, and the process ends as soon as its report is written.
WHY = "a time limit passed"


class TimeLimit:
    """Registered with the gate; its two timer hooks are those that pytest-timeout has for other ways to keep time."""

    def __init__(self, lost: LostTests, finish: Callable[[pytest.Session, int], None], last_lines: LastLines) -> None:
        """Store the recorder of lost tests, the function that ends the run's jobs and writes the reports, and the printer of the verdict."""
        self._lost, self._finish, self._last_lines = lost, finish, last_lines
        self._timer: threading.Timer | None = None
        self._passed = threading.Lock()

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """Start the clock of a test of the matrix; others keep pytest-timeout's own."""
        if not uses_gate(item):
            return None
        self._timer = threading.Timer(settings.timeout, self._expire, (item, settings.timeout))
        self._timer.daemon = True
        self._timer.start()
        return True

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_timeout_cancel_timer(self) -> bool | None:
        """Stop the clock; a run whose limit has passed goes no further than here."""
        if self._timer is None:
            return None
        with self._passed:
            self._timer.cancel()
            self._timer = None
        return True

    def _expire(self, item: pytest.Item, seconds: float) -> None:
        # Held until the process ends.
        self._passed.acquire()
        if self._timer is not threading.current_thread():
            # The test ended while this thread waited.
            self._passed.release()
            return
        try:
            error = InfrastructureError(
                f"unicomp: not done after {seconds:g} s, the limit of pytest-timeout; expected a limit that holds the longest compression or "
                "evaluation: a larger --timeout, or none; run again: what was measured is in the store."
            )
            self._lost.note(item, error)
            item.session.shouldstop = f"{WHY}: {seconds:g} s"
            capture = item.config.pluginmanager.get_plugin("capturemanager")
            if capture is not None:
                # The main thread may go on to the next phase of the test, which would capture what is printed here.
                capture.resume_global_capture = _leave_suspended
                capture.suspend_global_capture(in_=True)
            on_worker = hasattr(item.config, "workerinput")
            if on_worker:
                sys.stderr.write(f"{item.nodeid}: {error}\n")
            # No other plugin is asked: each would believe that no test is running. A worker of pytest-xdist only ends its own jobs and servers here.
            self._finish(item.session, pytest.ExitCode.INTERNAL_ERROR)
            if not on_worker:
                self._last_lines.print_all(item.session)
        except Exception as fault:  # noqa: BLE001 - the process ends here, and nothing else would report it
            sys.stderr.write(f"{unforeseen(fault)}\n")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            # Another way out would wait for the main thread, which is still within the library.
            os._exit(INFRASTRUCTURE)


def _leave_suspended() -> None:
    """Stand in for the capture manager's `resume_global_capture`: what is printed from now on reaches the terminal."""
