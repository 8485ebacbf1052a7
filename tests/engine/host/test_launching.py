"""A pass in which the device is done as soon as the host has launched it is launch-bound; one in which the host waits is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from pytest_unicomp.engine.host.launching import launch_problem, launching_share


class Queue:
    """A device that works through what was launched, one kernel after another, beside the host."""

    def __init__(self, kernels: int, *, launch_seconds: float, kernel_seconds: float) -> None:
        self.kernels, self.launch_seconds, self.kernel_seconds = kernels, launch_seconds, kernel_seconds
        self.done_at = 0.0

    def launch(self) -> None:
        for _ in range(self.kernels):
            time.sleep(self.launch_seconds)
            self.done_at = max(self.done_at, time.perf_counter()) + self.kernel_seconds

    def wait(self) -> None:
        threading.Event().wait(max(0.0, self.done_at - time.perf_counter()))


@pytest.mark.parametrize(("launch", "kernel", "low", "high"), [(0.002, 0.00001, 0.9, 1.0), (0.0002, 0.01, 0.0, 0.5)])
def test_the_share_of_launching_is_high_only_if_the_device_waits(launch: float, kernel: float, low: float, high: float) -> None:
    queue = Queue(8, launch_seconds=launch, kernel_seconds=kernel)
    assert low <= launching_share(queue.launch, queue.wait, passes=3) <= high


def test_what_the_first_pass_prepares_does_not_count() -> None:
    calls: list[int] = []

    def launch() -> None:
        calls.append(1)
        time.sleep(0.05 if len(calls) == 1 else 0.0)

    wait: Callable[[], None] = lambda: time.sleep(0.01)  # noqa: E731 - a function of one line
    assert launching_share(launch, wait, passes=1) < 0.5


@pytest.mark.parametrize(("shares", "bound"), [(None, False), ((0.2, 0.9), False), ((0.2, 0.97), True), ((0.95, 0.3), True)])
def test_one_launch_bound_side_is_enough_to_say_nothing(shares: tuple[float, float] | None, bound: bool) -> None:
    problem = launch_problem(shares)
    assert (problem is not None) is bound
    if shares is not None and problem is not None:
        assert all(f"{100 * share:.0f} % of" in problem or f"{100 * share:.0f} % of the" in problem for share in shares)
