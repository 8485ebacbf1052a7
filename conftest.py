"""Serves this repository's own tests: where the folder of real data lies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as `real` whatever needs the real data, before -m selects."""
    for item in items:
        if "shared" in getattr(item, "fixturenames", ()):
            item.add_marker("real")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real public data, beside the checkout or where UNICOMP_SHARED says; tests that need it are skipped without it."""
    folder = Path(os.environ.get("UNICOMP_SHARED") or Path(__file__).resolve().parent.parent / "shared")
    if not (folder / "hub").is_dir():
        pytest.skip(f"the real data are not here: {folder} (set UNICOMP_SHARED)")
    return folder
