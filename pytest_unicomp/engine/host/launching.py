"""Measures whether a GPU waits for the host: the share of a forward pass in which the host is still launching its kernels."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

# A GPU that is behind its host still works when the last kernel is launched; one that waits is done almost at once.
LAUNCH_BOUND = 0.9


def launching_share(launch: Callable[[], object], wait: Callable[[], None], *, passes: int = 5) -> float:
    """Return the median share, in [0, 1], of the seconds of a pass that `launch` takes to queue its work; `wait` returns when the device is done.

    Let one pass be a single forward pass: CUDA queues about a thousand kernels, after which launching waits for the device as well.
    """
    launch()
    wait()
    shares = []
    for _ in range(passes):
        started = time.perf_counter()
        launch()
        queued = time.perf_counter()
        wait()
        shares.append((queued - started) / max(time.perf_counter() - started, 1e-9))
    return median(shares)


def launch_problem(shares: tuple[float, float] | None) -> str | None:
    """Return why rounds with these shares (reference, candidate) say nothing about the device, as a phrase; None if they do, or on a CPU."""
    if shares is None or max(shares) <= LAUNCH_BOUND:
        return None
    reference, candidate = (f"{100 * share:.0f} %" for share in shares)
    return (
        f"launch-bound: the host launches kernels for {reference} of a pass of the reference and {candidate} of the candidate's, "
        "so the GPU waits and its own speed is not what was timed"
    )
