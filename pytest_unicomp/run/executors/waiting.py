"""The driver's side of executors that use other processes: wait for the events of promised steps, and raise their errors at the request."""

from __future__ import annotations

import queue
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from pytest_unicomp.run.executors.job import Event, Job, Key, failed
from pytest_unicomp.run.executors.local import LocalExecutor
from pytest_unicomp.run.step import StepProgress


class WaitingExecutor(LocalExecutor):
    """An executor that waits for promised steps; the job given to `result` then reads them from the store. It makes other results here."""

    elsewhere = True

    def __init__(self, progress: StepProgress) -> None:
        """Report started steps to `progress`, only from the thread that waits, since it draws on the terminal."""
        super().__init__()
        self._progress = progress
        self._events: queue.Queue[Event] = queue.Queue()
        self._awaited: set[Key] = set()

    def promise(self, jobs: Sequence[Job]) -> None:
        """Start the jobs; a request for one of their steps waits from now on."""
        self._awaited |= {step for job in jobs for step in job.steps}
        self._start(jobs)

    def _start(self, jobs: Sequence[Job]) -> None:
        raise NotImplementedError

    def result(self, key: Hashable, job: Callable[[], Any]) -> Any:
        """Wait until a promised step is settled, then return what `job` finds; raise the step's error if it failed."""
        while key in self._awaited:
            self._settle(self._events.get())
        return super().result(key, job)

    def wait(self) -> None:
        """Return when every promised step is done or failed; an error is raised where its step is requested."""
        while self._awaited:
            self._settle(self._events.get())

    def receive(self, event: Event) -> None:
        """Record an event; callable from any thread."""
        self._events.put(event)

    def fail(self, job: Job, error: Exception) -> None:
        """Fail each unfinished step of a job; callable from any thread."""
        for step in job.steps:
            self._events.put(failed(step, error))

    def _settle(self, event: Event) -> None:
        if event.state == "started":
            if event.working is not None:
                self._progress(event.working)
        elif event.step in self._awaited:
            self._awaited.remove(event.step)
            if event.state == "failed":
                self._failed[event.step] = event.exception()
