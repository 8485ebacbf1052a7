"""Is the first process of a sandbox: builds it, starts the solution's process, runs the tests beside it, and writes the verdict to its standard output.

Three processes: the outer one waits; the inner one, number 1 of its process namespace, holds the tests and the verdict; its child executes the
solution. When number 1 ends, the kernel kills whatever the solution has left behind.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from pytest_unicomp.benchmarks.code.inside import solution, tests, walls, wire

INPUT, OUTPUT = 0, 1


def main() -> None:
    """Read the limits, then the solution, then the tests, from standard input; write one message, [verdict, words]."""
    os.environ.clear()
    # Whole numbers travel as digits, however many.
    sys.set_int_max_str_digits(0)
    settings = wire.receive(INPUT)
    try:
        walls.enter_namespaces()
    except OSError as error:
        _finish(OUTPUT, "unisolated", str(error))
    inner = os.fork()
    if inner == 0:
        _inner(settings)
    status = os.waitpid(inner, 0)[1]
    os._exit(os.waitstatus_to_exitcode(status) & 127)


def _inner(settings: dict[str, Any]) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    limits = {name: int(settings[name]) for name in ("memory", "seconds", "file_bytes")}
    try:
        walls.enclose(str(settings["folder"]), int(settings["scratch_bytes"]))
        walls.limit(**{**limits, "memory": 2 * limits["memory"], "seconds": 2 * limits["seconds"]})
    except (OSError, ValueError) as error:
        _finish(OUTPUT, "unisolated", str(error))
    verdicts = os.dup(OUTPUT)
    os.dup2(null, 1)
    os.dup2(null, 2)
    code = wire.receive(INPUT)
    mine, theirs = socket.socketpair()
    if os.fork() == 0:
        _serve(theirs.fileno(), null, code, {**limits, "processes": int(settings["processes"])})
    theirs.close()
    # Read only now: the solution's process must not hold the tests in its memory.
    _finish(verdicts, *_verdict(tests.Client(mine.fileno()), wire.receive(INPUT)))


def _serve(file: int, null: int, code: str, limits: dict[str, int]) -> None:
    try:
        os.dup2(null, 0)
        os.closerange(3, file)
        os.closerange(file + 1, 64)
        walls.limit(**limits)
        solution.serve(file, code)
    finally:
        os._exit(0)


def _verdict(client: tests.Client, code: str) -> tuple[str, str]:
    try:
        client.started()
        tests.run(client, code)
    except tests.Ended:
        return "failed", "the solution's process ended"
    except BaseException as error:  # noqa: BLE001 - a failed test raises anything
        return "failed", f"{type(error).__name__}: {error}"[:200]
    return "passed", ""


def _finish(file: int, verdict: str, words: str) -> None:
    wire.send(file, [verdict, words])
    os._exit(0)
