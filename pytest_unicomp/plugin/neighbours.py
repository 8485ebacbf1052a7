"""Compatibility with plugins for a repository's own tests: time limits (pytest-timeout) and reruns (pytest-rerunfailures)."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_unicomp.plugin.asked import uses_gate
from pytest_unicomp.plugin.stash import CHECKS, KERNELS

# The name of pytest-timeout among pytest's plugins, of its mark and of its option.
TIMEOUT = "timeout"
# The outcome of a report that pytest-rerunfailures will ask again.
RERUN = "rerun"


class Neighbours:
    """Registered with the gate: its work happens in fixtures and must not be subject to a time limit for unit tests."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Lift the time limit of the ini file from tests of the matrix: an interrupt inside a library leaves it broken, and crashed Python.

        A limit that was typed, or that a test has itself, stays.
        """
        if not config.pluginmanager.hasplugin(TIMEOUT) or config.getoption(TIMEOUT, None) is not None:
            return
        for item in items:
            if uses_gate(item) and item.get_closest_marker(TIMEOUT) is None:
                item.add_marker(pytest.mark.timeout(0))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Clear the checks of an earlier run of the same test."""
        if CHECKS in item.stash:
            del item.stash[CHECKS]
        if KERNELS in item.stash:
            del item.stash[KERNELS]
        item.user_properties[:] = [(name, value) for name, value in item.user_properties if not name.startswith("unicomp_")]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Drop the checks of a test that is rerun: the last run counts."""
        if report.outcome == RERUN:
            report.unicomp_checks, report.unicomp_kernels = [], []
            report.unicomp_broken, report.unicomp_outcome = False, None
