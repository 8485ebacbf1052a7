"""Prints at the end why a run gated nothing although the configuration file names a model."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_unicomp.plugin.asked import uses_gate


class NotGated:
    """Registered if the model comes from the configuration file: without the flag, pytest collects the repository's own tests."""

    def __init__(self, config: pytest.Config, location: str, model: str) -> None:
        """Store the model, and the line of the file that names it."""
        self._config, self._location, self._model = config, location, model
        self._asked = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note that a test of the matrix ran, here or on a worker."""
        self._asked = self._asked or getattr(report, "unicomp_ours", False)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Record if a collected test requests the run."""
        self._asked = self._asked or any(uses_gate(item) for item in session.items)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print one line if no test requested the gate."""
        if not self._asked:
            terminalreporter.write_line(
                f"unicomp: {self._location} is {self._model!r}, and no test here asks for it, so nothing was gated; "
                "`unicomp gate`, or pytest --unicomp-model=NAME, runs the gate."
            )
