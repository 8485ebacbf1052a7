"""The suite for machines with a GPU: skipped without one, and what it found is written to a file that can be sent back.

UNICOMP_GPU_SUITE_ON=cpu runs it on the CPU, to try the suite itself; what needs a GPU is skipped, and the report names the CPU.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from pytest_unicomp.engine.host import host

HERE = Path(__file__).parent
DEVICE = os.environ.get("UNICOMP_GPU_SUITE_ON", "cuda:0")
REPORT = "UNICOMP_GPU_REPORT"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them where no GPU answers."""
    absent = DEVICE != "cpu" and not torch.cuda.is_available()
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("gpu")
            if absent:
                item.add_marker(pytest.mark.skip(reason="no GPU answers here: torch.cuda.is_available() is False"))


class Found:
    """Outcomes, seconds and numbers of the tests of this folder."""

    def __init__(self) -> None:
        self.tests: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test once it has run, or why it did not."""
        if "tests/gpu/" in report.nodeid and (report.when == "call" or report.outcome != "passed"):
            numbers = dict(report.user_properties)
            reason = "" if report.outcome == "passed" else str(report.longrepr)[-2000:]
            self.tests.append(
                {"test": report.nodeid, "outcome": report.outcome, "seconds": report.duration, "numbers": numbers, "reason": reason}
            )

    def pytest_sessionfinish(self) -> None:
        """Write the report to the file that UNICOMP_GPU_REPORT names."""
        if REPORT in os.environ and any(test["outcome"] != "skipped" for test in self.tests):
            found = {"schema": "unicomp-gpu/1", "device": host.device_name(DEVICE), "machine": host.describe(), "cuda": torch.version.cuda}
            Path(os.environ[REPORT]).write_text(json.dumps({**found, "tests": self.tests}, indent=1) + "\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Begin the report."""
    config.pluginmanager.register(Found(), "unicomp-gpu-report")


@pytest.fixture(scope="session")
def device() -> str:
    """The device that the suite runs on."""
    return DEVICE


@pytest.fixture
def gpu(device: str) -> str:
    """The GPU, for what means nothing on a CPU."""
    if device == "cpu":
        pytest.skip("means nothing on a CPU")
    return device
