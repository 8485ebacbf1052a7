"""Shows at the end of a run which stored entries were damaged and set aside, in this process or on a worker."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_unicomp.store.local import Store

SHOWN = 5


class StoreNotices:
    """Registered with the gate; takes the lines of its store from then on."""

    def __init__(self, store: Store) -> None:
        """Replace the store's previous receiver of notices."""
        self._open: list[str] = []
        self._gathered: list[str] = []
        store.notice = self._open.append

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, Any, Any]:
        """Send what was noticed since the last report along with this one."""
        report = yield
        report.unicomp_notices = self._taken()
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Gather lines, from this process or from a worker."""
        self._gathered += getattr(report, "unicomp_notices", [])

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print each line once, since several workers may have met the same entry, and the number of those beyond the first few."""
        lines = list(dict.fromkeys([*self._gathered, *self._taken()]))
        for line in lines[:SHOWN]:
            terminalreporter.write_line(line)
        if len(lines) > SHOWN:
            terminalreporter.write_line(
                f"unicomp: {len(lines) - SHOWN} more stored entries were damaged and moved to quarantine; each has a reason.txt there"
            )

    def _taken(self) -> list[str]:
        found = list(self._open)
        self._open.clear()
        return found
