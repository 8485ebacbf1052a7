"""Gives each worker of pytest-xdist a GPU of its own: all would take the first one otherwise."""

from __future__ import annotations

import os

from pytest_unicomp.engine.host import host
from pytest_unicomp.run.executors.process import slots


def choose_gpu(device: str) -> None:
    """Set CUDA_VISIBLE_DEVICES of this process to one GPU if it is a worker of pytest-xdist and `device` names no GPU; workers share if there are fewer.

    torch must not have used a GPU yet.
    """
    number = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    if device not in ("auto", "cuda") or not number.isdigit() or not host.accelerators():
        return
    places = slots("cuda:0", len(host.accelerators()), host.cores())
    os.environ["CUDA_VISIBLE_DEVICES"] = places[int(number) % len(places)].environment["CUDA_VISIBLE_DEVICES"]
    host.accelerators.cache_clear()
