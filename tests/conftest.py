from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from pytest_unicomp.engine import Engine
from tests.engine.toy_engine import tiny_engine
from tests.loopback_hub import LoopbackHub, serving

# An example that is slow on a busy machine says nothing about the code.
settings.register_profile("any machine", deadline=None)
# For `make mutants`, which runs each test hundreds of times: the same few examples for each mutant, and no search for a smaller failing one.
settings.register_profile(
    "mutants", deadline=None, max_examples=15, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def alone() -> Iterator[None]:
    """Runs that a test starts are no workers of this one, wherever it runs itself."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PYTEST_XDIST_")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="module", autouse=True)
def frozen_heap() -> Iterator[None]:
    """Leave what earlier modules and imports made out of garbage collection: the compression libraries collect often, which takes a second each."""
    gc.freeze()
    yield
    # Before the heap is whole again, since what is garbage now would be frozen by the next module; only new objects are searched.
    gc.collect()
    gc.unfreeze()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return tiny_engine(tmp_path_factory.mktemp("engine") / "tiny")


@pytest.fixture(scope="session")
def hub(shared: Path) -> Path:
    return shared / "hub"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to reach another machine fails the test."""
    import socket

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"tried to connect to {arguments[1:]}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackHub]:
    """An empty hub on this machine, which the client in this process asks instead of the real one; its caches are new, and there is no token."""
    with serving(LoopbackHub()) as served:
        served.lead_here(monkeypatch, tmp_path / "home")
        yield served


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(root)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))
