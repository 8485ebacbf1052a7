"""Run jobs on a Ray cluster: compress once, then measure side by side; Ray repeats the tasks of a lost node on another node."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.run.executors.job import Event, Job
from pytest_unicomp.run.executors.waiting import WaitingExecutor
from pytest_unicomp.run.step import StepProgress
from pytest_unicomp.store.local import Store

Perform = Callable[[Job, Callable[[Event], None]], None]
RETRIES = 3
PROBE_SECONDS = 60
CONNECT_SECONDS = 10
POLL_SECONDS = 0.5


class RayExecutor(WaitingExecutor):
    """An executor with one Ray task per artifact, and one per benchmark that starts when the artifact is in the store that all nodes share."""

    def __init__(self, address: str | None, perform: Perform, progress: StepProgress, *, gpus: int, memory: int) -> None:
        """Prepare tasks that each need `gpus` GPUs and `memory` bytes; `address` is the cluster's, or None to start one on this machine."""
        super().__init__(progress)
        self._address, self._perform = address, perform
        self._options = {"num_gpus": gpus, "num_cpus": 1, "memory": memory, "max_retries": RETRIES, "retry_exceptions": False}
        self._ours = False
        self._closing = threading.Event()
        self._gathering: list[threading.Thread] = []

    def connect(self, store: Store) -> None:
        """Join the cluster; raise InfrastructureError if it does not answer, UsageProblem if a node does not see the store."""
        import ray

        if not ray.is_initialized():
            self._require_listener()
            try:
                # Ray sends usage statistics to its makers by default.
                quiet = {"RAY_USAGE_STATS_ENABLED": "0"}
                ray.init(
                    address=self._address or "local",
                    include_dashboard=None if self._address else False,
                    configure_logging=False,
                    log_to_driver=False,
                    runtime_env={"env_vars": {**quiet, "OMP_WAIT_POLICY": "PASSIVE"}},
                )
            except Exception as error:
                # Ray raises ConnectionError, RuntimeError, ValueError and its own kinds, by version.
                raise InfrastructureError(
                    f"unicomp: the Ray cluster {self._address or 'on this machine'} cannot be joined: {error}; see --unicomp-address."
                ) from error
            self._ours = True
        self._probe(store)

    def _require_listener(self) -> None:
        """Raise InfrastructureError if nothing listens at the address: Ray itself would retry for minutes."""
        host, _, port = (self._address or "").removeprefix("ray://").rpartition(":")
        if not host or not port.isdigit():
            return
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
        except OSError as error:
            raise InfrastructureError(
                f"unicomp: the Ray cluster {self._address} cannot be joined: {error}; expected HOST:PORT of its head node in --unicomp-address."
            ) from error

    def _probe(self, store: Store) -> None:
        """Raise UsageProblem if a node does not see a file that this process writes to the store, or to its shared part."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        token = store.leave_token()
        try:
            nodes = {node["NodeID"]: node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}
            look = ray.remote(num_cpus=0)(_sees)
            asked = {
                look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote(store, token): node
                for node in nodes
            }
            for answer, node in asked.items():
                if not ray.get(answer, timeout=PROBE_SECONDS):
                    raise UsageProblem(
                        f"unicomp: the node {nodes[node]} does not see the store {store.address}; give --unicomp-cache on storage that all nodes share."
                    )
        except ray.exceptions.RayError as error:
            raise InfrastructureError(f"unicomp: the Ray cluster does not answer: {error}") from error
        finally:
            store.seen(token, remove=True)

    def _start(self, jobs: Sequence[Job]) -> None:
        import ray

        task = ray.remote(**self._options)(_run)
        asked: dict[Any, Job] = {}
        for job in jobs:
            artifact = replace(job, benchmarks=())
            made = task.remote(self._perform, artifact)
            asked[made] = artifact
            for name in job.benchmarks:
                # Ray starts a task when its arguments are ready, so the artifact's answer is one of them.
                asked[task.remote(self._perform, replace(job, benchmarks=(name,)), made)] = replace(job, benchmarks=(name,))
        gathering = threading.Thread(target=self._gather, args=(asked,), daemon=True, name="unicomp ray")
        self._gathering.append(gathering)
        gathering.start()

    def _gather(self, asked: dict[Any, Job]) -> None:
        import ray

        waiting = list(asked)
        while waiting and not self._closing.is_set():
            ready, waiting = ray.wait(waiting, num_returns=1, timeout=POLL_SECONDS)
            for answer in ready:
                job = asked[answer]
                try:
                    events = ray.get(answer)
                except Exception as error:  # noqa: BLE001 - any failure of the task must reach the tests that wait for it
                    self.fail(job, InfrastructureError(f"unicomp: Ray could not run {job.recipe}: {_first_line(error)}"))
                else:
                    for event in events:
                        self.receive(event)

    def close(self) -> None:
        """Leave the cluster, or stop the one that was started here."""
        import ray

        # A thread that calls Ray after the shutdown would join the cluster again.
        self._closing.set()
        for gathering in self._gathering:
            gathering.join(PROBE_SECONDS)
        if self._ours and ray.is_initialized():
            ray.shutdown()
            self._ours = False


def _sees(store: Store, token: str) -> bool:
    return store.seen(token)


def _run(perform: Perform, job: Job, before: list[Event] | None = None) -> list[Event]:
    """Perform a job in a process of Ray's and return its events; `before` are the artifact's, whose failure is that of each step."""
    broken = next((event for event in before or () if event.state == "failed"), None)
    if broken is not None:
        return [replace(broken, step=step) for step in job.steps]
    events: list[Event] = []
    perform(job, events.append)
    where = socket.gethostname()
    return [replace(event, working=replace(event.working, place=f"on {where}")) if event.working is not None else event for event in events]


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
