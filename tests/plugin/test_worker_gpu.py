"""Workers of pytest-xdist take different GPUs."""

from __future__ import annotations

import os

import pytest

from pytest_unicomp.engine.host import host
from pytest_unicomp.plugin.worker_gpu import choose_gpu


@pytest.fixture
def gpus(monkeypatch):
    def put(names, *, visible=None, worker=None):
        def listed():
            return names

        listed.cache_clear = lambda: None
        monkeypatch.setattr(host, "accelerators", listed)
        for name, value in (("CUDA_VISIBLE_DEVICES", visible), ("PYTEST_XDIST_WORKER", worker)):
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)

    return put


@pytest.mark.parametrize(
    ("worker", "visible", "device", "chosen"),
    [
        ("gw0", None, "cuda", "0"),
        ("gw1", None, "auto", "1"),
        ("gw2", None, "cuda", "0"),
        ("gw1", "3,GPU-5", "cuda", "GPU-5"),
        ("gw1", None, "cuda:0", None),
        ("gw1", None, "sharded", None),
        ("gw1", None, "cpu", None),
        (None, "3,5", "cuda", "3,5"),
    ],
)
def test_a_worker_sees_one_gpu(gpus, worker, visible, device, chosen):
    gpus(("A", "B"), visible=visible, worker=worker)
    choose_gpu(device)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == chosen


def test_nothing_is_chosen_where_there_is_no_gpu(gpus):
    gpus((), worker="gw1")
    choose_gpu("auto")
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
