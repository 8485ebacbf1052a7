"""A small report of nano with the store that it rests on, made once, without pytest inside pytest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.report.json import document
from pytest_unicomp.run.run import Run
from pytest_unicomp.store.local import Store


@pytest.fixture(scope="package")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    chosen = {"recipe": ["rtn-w8a16,wanda-2of4"], "benchmark": ["nano-knowledge,bytes"], "limit": 16, "margin": 0.4, "drift": "off"}
    little_text = {"calibration_samples": 8, "calibration_tokens": 256}
    return Run(resolve({"model": "nano", "cache": str(tmp_path_factory.mktemp("store")), **chosen, **little_text}, {}))


@pytest.fixture(scope="package")
def reported(run: Run) -> dict[str, Any]:
    """The report as JSON."""
    checks = [run.artifact_check(cell) for cell in run.plan.artifacts()]
    checks += [run.retention(cell) for cell in run.plan.of_kind("items")]
    checks += [run.size(cell) for cell in run.plan.of_kind("size")]
    return document(run.conclude(sorted(checks, key=run.place)))


@pytest.fixture(scope="package")
def store(run: Run, reported: dict[str, Any]) -> Store:
    return Store(Path(run.store.root))
