"""Ends a run on SIGTERM as on Ctrl-C, so that its report is written; a second signal does not cut the writing short."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

import pytest

# Seconds in which another signal is taken for the same one: a terminal and a parent process both send it.
SAME = 5.0


class Interruption:
    """Registered with the gate, on the process that writes the report."""

    def __init__(self) -> None:
        """Wait for the session to start."""
        self.by: str | None = None
        self._at = 0.0
        self._before: dict[int, Any] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Take the signals, unless this is a worker or a thread, which get none."""
        if hasattr(session.config, "workerinput") or threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._end)

    def pytest_unconfigure(self) -> None:
        """Restore the previous signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _end(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.by is not None and now - self._at < SAME:
            return
        self.by, self._at = signal.Signals(number).name, now
        raise KeyboardInterrupt(self.by)
