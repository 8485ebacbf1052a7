"""Run each job in a fresh interpreter, one per device at a time; a crash or a lack of memory fails one job, not the run."""

from __future__ import annotations

import base64
import json
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.run.executors.job import Event, Job
from pytest_unicomp.run.executors.waiting import WaitingExecutor
from pytest_unicomp.run.step import Step, StepProgress

WORKER = "pytest_unicomp.run.worker"
LAST_LINES = 3


@dataclass(frozen=True)
class Slot:
    """A device, or a share of the CPU, that runs one job at a time; `environment` is added to that of its interpreter."""

    name: str
    environment: Mapping[str, str]


def slots(device: str, accelerators: int, cores: int) -> tuple[Slot, ...]:
    """Return one slot per GPU that CUDA_VISIBLE_DEVICES allows this process, or at most four that share the cores of the CPU.

    `device` is the resolved --unicomp-device: "cpu", or "cuda:N", which selects all GPUs.
    """
    if device == "cpu" or accelerators == 0:
        count = max(1, min(4, cores))
        threads = str(max(1, cores // count))
        return tuple(Slot(f"process {number}", {"OMP_NUM_THREADS": threads}) for number in range(1, count + 1))
    outer = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    names = outer or [str(number) for number in range(accelerators)]
    threads = str(max(1, cores // len(names)))
    return tuple(Slot(f"GPU {name}", {"CUDA_VISIBLE_DEVICES": name, "OMP_NUM_THREADS": threads}) for name in names)


class ProcessExecutor(WaitingExecutor):
    """An executor with one thread per slot; each thread hands jobs to interpreters, in the order in which they were promised."""

    def __init__(self, places: Sequence[Slot], progress: StepProgress) -> None:
        """Keep the slots; no interpreter starts before jobs are promised."""
        super().__init__(progress)
        self._places = tuple(places)
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def _start(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._jobs.put(job)
        for place in self._places[: len(jobs)]:
            threading.Thread(target=self._work, args=(place,), daemon=True, name=f"unicomp {place.name}").start()

    def _work(self, place: Slot) -> None:
        while not self._closed:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return
            try:
                self._perform(job, place)
            except Exception as error:  # noqa: BLE001 - any failure of this thread must reach the tests that wait for the job
                self.fail(job, InfrastructureError(f"unicomp: {place.name} could not run {job.recipe}: {type(error).__name__}: {error}"))

    def _perform(self, job: Job, place: Slot) -> None:
        environment = {**os.environ, **place.environment}
        # The interpreter is no worker of pytest-xdist, even if this process is one.
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST"):
            environment.pop(name, None)
        with subprocess.Popen(
            [sys.executable, "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
        ) as process:
            with self._lock:
                self._running.add(process)
                if self._closed:
                    process.kill()
            last = self._converse(process, job, place)
        with self._lock:
            self._running.discard(process)
        if process.returncode != 0 and not self._closed:
            output = "; ".join(last) or "it printed nothing"
            reason = f"unicomp: {place.name} ended with code {process.returncode} while it worked at {job.recipe}: {output}."
            self.fail(job, InfrastructureError(reason))

    def _converse(self, process: subprocess.Popen[str], job: Job, place: Slot) -> list[str]:
        """Send the job, pass its events on, and return the last lines that the interpreter wrote to stderr."""
        assert process.stdin is not None
        assert process.stdout is not None
        last: list[str] = []
        reader = threading.Thread(target=_keep_last, args=(process.stderr, last), daemon=True)
        reader.start()
        try:
            process.stdin.write(base64.b64encode(pickle.dumps(job)).decode() + "\n")
            process.stdin.flush()
            for line in process.stdout:
                event = json.loads(line)
                working = None if event.get("working") is None else replace(Step(**event["working"]), place=place.name)
                self.receive(Event(tuple(event["step"]), event["state"], event["message"], event["error"], working))
        except BrokenPipeError:
            pass
        process.wait()
        reader.join()
        return last

    def close(self) -> None:
        """Stop the interpreters that still run; partial results are not kept."""
        with self._lock:
            self._closed = True
            for process in self._running:
                process.kill()


def _keep_last(stream: object, last: list[str]) -> None:
    for line in stream:  # type: ignore[attr-defined]
        if line.strip():
            last.append(line.strip())
            del last[:-LAST_LINES]
