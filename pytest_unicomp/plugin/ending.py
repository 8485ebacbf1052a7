"""Decides the exit code of the process, and the reason why a run is partial."""

from __future__ import annotations

from typing import Final

import pytest

from pytest_unicomp.api.records import Partial, Report
from pytest_unicomp.plugin.planned import Planned

USAGE: Final = 4
INFRASTRUCTURE: Final = 7
# pytest's own endings, in which the verdict is not what the process ends with.
OWN: Final = (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.NO_TESTS_COLLECTED)
BY_VERDICT: Final = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def partial_of(planned: Planned, session: pytest.Session, exitstatus: int, *, signal: str | None) -> Partial | None:
    """Return the planned checks without a verdict, or None if there are none; `signal` is the name of the signal that ended the session."""
    return planned.partial(_why(session, exitstatus, signal), None if exitstatus in BY_VERDICT else ending(exitstatus))


def ending(exitstatus: int) -> int:
    """Return the exit code of an ending that no verdict decides: pytest's own if it was interrupted or collected nothing, else 7."""
    return int(exitstatus) if exitstatus in OWN else INFRASTRUCTURE


def exit_code(answer: Report, exitstatus: int, *, broken: bool, others_failed: bool) -> int:
    """Return the exit code of the process. `broken`: a gating check ended with an error. `others_failed`: a test that is not the gate's failed."""
    if exitstatus not in BY_VERDICT:
        return ending(exitstatus)
    if broken:
        return INFRASTRUCTURE
    if others_failed and answer.exit_code in (0, 6):
        return int(pytest.ExitCode.TESTS_FAILED)
    return answer.exit_code


def _why(session: pytest.Session, exitstatus: int, signal: str | None) -> str:
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        return f"interrupted by {signal}" if signal else "interrupted"
    stopped = session.shouldfail or session.shouldstop
    if stopped:
        return str(stopped)
    if exitstatus in (*BY_VERDICT, pytest.ExitCode.NO_TESTS_COLLECTED):
        return "the others were not selected, were skipped or never ran"
    return "an error ended the run"
