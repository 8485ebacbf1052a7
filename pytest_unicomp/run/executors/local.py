"""Run jobs in this process, each at most once and only when its result is requested."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pytest_unicomp.api.errors import clear_frames
from pytest_unicomp.engine.host.memory import free_unused
from pytest_unicomp.run.executors.job import Job


class LocalExecutor:
    """Results by key: the first request computes one, later requests get the same result or the same error."""

    # True if other processes work at promised jobs and this one only waits.
    elsewhere = False

    def __init__(self) -> None:
        """Start without results."""
        self._done: dict[Hashable, Any] = {}
        self._failed: dict[Hashable, Exception] = {}

    def promise(self, jobs: Sequence[Job]) -> None:
        """Announce jobs to come; this executor starts none of them before its result is requested."""

    def result(self, key: Hashable, job: Callable[[], Any]) -> Any:
        """Return the job's result. A job that failed is not tried again: its error is raised at each request."""
        if key in self._failed:
            # Without the traceback of the request before, whose frames would stay in memory.
            raise self._failed[key].with_traceback(None)
        if key not in self._done:
            try:
                self._done[key] = job()
            except Exception as error:
                # Raised again now and at each later request: no kind of error may cause a second attempt.
                self._failed[key] = error
                clear_frames(error)
                free_unused()
                raise
        return self._done[key]

    def wait(self) -> None:
        """Return when no other process works at a promised job; here none does."""

    def close(self) -> None:
        """Stop the jobs that still run; here there are none."""
