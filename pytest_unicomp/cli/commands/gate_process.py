"""Runs pytest for `unicomp gate` in a child process, and maps every way in which that process can end to an exit code of the gate."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from textwrap import fill
from types import FrameType

import typer

INFRASTRUCTURE = 7
# pytest's code for an internal error.
INTERNAL = 3
# As `python -m pytest`, except that an exception that even pytest does not catch does not end with 1, which reads as FAIL.
# The end of its parent, even by SIGKILL, is a SIGTERM to it: it writes its report and ends. Only Linux can do that (1 is PR_SET_PDEATHSIG);
# what imports this package must wait for pytest, so the lines stand here.
PROGRAM = """
import os, signal, sys
parent = int(sys.argv[1])
if sys.platform.startswith("linux"):
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
try:
    import pytest
    code = int(pytest.main(sys.argv[2:]))
except Exception as error:
    # Python itself would end with 1, which reads as FAIL.
    from pytest_unicomp.api.unforeseen import EXIT_CODE, unforeseen
    print(unforeseen(error), file=sys.stderr)
    code = EXIT_CODE
sys.exit(code)
"""


def ended_with(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments and return the exit code of the gate; signals are passed on, so that pytest writes its report."""
    environment = dict(os.environ)
    if environment.pop("PYTEST_ADDOPTS", ""):
        ignored = "unicomp: PYTEST_ADDOPTS is ignored, since it could select tests; put arguments for pytest after `--`."
        typer.echo(fill(ignored, shutil.get_terminal_size().columns), err=True)
    # A new process, so that pytest loads the plugin before anything has imported it.
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(os.getpid()), *arguments], env=environment) as process, _passed_on(process):
        code = process.wait()
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        typer.echo(f"unicomp: the run was killed by {name} before it could write its report; no verdict; run again.", err=True)
        return INFRASTRUCTURE
    return INFRASTRUCTURE if code == INTERNAL else code


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGINT and SIGTERM on to a process instead of ending; it takes a signal that it gets twice, here and from the terminal, for one."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
