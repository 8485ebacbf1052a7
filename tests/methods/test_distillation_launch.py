"""A distillation in several processes begins only if each has a GPU."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import CompressionJob
from pytest_unicomp.engine.host import host
from pytest_unicomp.methods import distillation_launch


class Method:
    """Notes which way it goes."""

    processes = 4

    def __init__(self):
        self.here = 0

    def enlarged(self, job):
        return "text"

    @distillation_launch.launched
    def compress(self, job):
        self.here += 1


@pytest.fixture
def start(monkeypatch):
    """Returns what starts the method on a device with so many visible GPUs, and notes each launch."""

    def on(device, gpus, environment):
        launches, method = [], Method()
        monkeypatch.setattr(host, "accelerators", lambda: ("Toy GPU",) * gpus)
        monkeypatch.setattr(distillation_launch, "_launch", lambda *_: launches.append(device))
        for name in ("WORLD_SIZE", "LOCAL_RANK"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        job = CompressionJob(Path("a"), Path("b"), None, 0, device, SimpleNamespace, Path("c"))
        method.compress(job)
        return len(launches), method.here

    return on


@pytest.mark.parametrize(
    ("device", "gpus", "environment", "found"),
    [
        ("cpu", 0, {}, (1, 0)),
        ("cuda:0", 4, {}, (1, 0)),
        # A batch system's mark on a process that is alone.
        ("cuda:0", 4, {"WORLD_SIZE": "1"}, (1, 0)),
        ("cuda:0", 4, {"WORLD_SIZE": "1", "LOCAL_RANK": "0"}, (1, 0)),
        ("cuda:2", 1, {"WORLD_SIZE": "4", "LOCAL_RANK": "2"}, (0, 1)),
    ],
)
def test_processes_are_started_unless_this_is_one_of_them(start, device, gpus, environment, found):
    assert start(device, gpus, environment) == found


@pytest.mark.parametrize(
    ("device", "gpus", "words"),
    [("cuda:0", 1, "processes = 4, and 1 GPUs are visible"), ("cuda:3", 8, "from the first on, not from cuda:3; .*CUDA_VISIBLE_DEVICES")],
)
def test_too_few_gpus_or_others_than_asked_for_are_refused(start, device, gpus, words):
    with pytest.raises(UsageProblem, match=words):
        start(device, gpus, {})
