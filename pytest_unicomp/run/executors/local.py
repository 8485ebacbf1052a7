"""Runs promised jobs in this process, each at most once and only when its result is asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pytest_unicomp.run.executors.job import Job


class LocalExecutor:
    """Promises by key: the first request computes, later ones get the same result or the same error again."""

    # Whether promised jobs are worked at by others, so that this process only waits.
    elsewhere = False

    def __init__(self) -> None:
        """Start with no promises."""
        self._done: dict[Hashable, Any] = {}
        self._failed: dict[Hashable, Exception] = {}

    def promise(self, jobs: Sequence[Job]) -> None:
        """Take note of nothing: what is asked for is made then."""

    def result(self, key: Hashable, job: Callable[[], Any]) -> Any:
        """Return the job's result; a job that raised is not tried again, its error is raised for everyone who waits for it."""
        if key in self._failed:
            raise self._failed[key]
        if key not in self._done:
            try:
                self._done[key] = job()
            except Exception as error:
                self._failed[key] = error
                raise
        return self._done[key]

    def close(self) -> None:
        """Stop whatever still runs."""
