"""Ends a run with 7 if anything in it raises what nobody foresaw, even where pytest itself would end with 1, which reads as FAIL, or with 3."""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import Any

import pytest

from pytest_unicomp.api.unforeseen import unforeseen
from pytest_unicomp.plugin.ending import INFRASTRUCTURE


class Faults:
    """Registered with the gate, after all of its other parts: its wrappers then surround theirs."""

    def __init__(self) -> None:
        """Start without faults."""
        self.lines: list[str] = []
        self._session: pytest.Session | None = None
        self._begun = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Keep the session, whose exit code may have to change when all else is over."""
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Note that the session has begun: from here on it finishes, and the gate sets the exit code."""
        self._begun = True

    @pytest.hookimpl(trylast=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Put a fault of this program, or of another plugin, into one line; pytest shows the trace itself."""
        self.lines.append(unforeseen(excinfo.value))
        if not self._begun:
            pytest.exit(self.lines[-1], returncode=INFRASTRUCTURE)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Replace an exception of any plugin's last words, its summary among them, by a line."""
        return (yield from self._guarded(session))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_unconfigure(self) -> Generator[None, Any, Any]:
        """Do the same for the exceptions of plugins that clean up."""
        return (yield from self._guarded(self._session))

    def _guarded(self, session: pytest.Session | None) -> Generator[None, Any, Any]:
        try:
            return (yield)
        except (pytest.UsageError, pytest.exit.Exception):
            raise
        except Exception as error:
            if session is None:
                raise
            session.exitstatus = INFRASTRUCTURE
            sys.stderr.write(f"\n{unforeseen(error)}\n")
            return None
