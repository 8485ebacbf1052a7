"""Runs one solution against its tests in a sandbox, and says why this machine has none."""

from __future__ import annotations

import io
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pytest_unicomp.api.errors import InfrastructureError

Verdict = Literal["passed", "failed"]
# Processor time decides, since a busy machine is no fault of a solution; the clock, at this multiple of it, ends what sleeps.
PATIENCE = 6
_START = (
    f"import sys; sys.path.append({str(Path(__file__).parents[3])!r}); from pytest_unicomp.benchmarks.code.inside import main; main.main()"
)

# What `inside/probe.py` must find, and what is wrong if it does not.
EXPECTED = {
    'digest() == "e3b0c442"': "the standard library does not work",
    "environment() == {}": "environment variables can be read",
    "interfaces() == []": "there is a network",
    "writable() == []": "files can be written",
    "readable() == []": "the machine's folders can be read",
    "memory() is False": "memory is not limited",
    "forks() < 50": "the number of processes is not limited",
}
PROBE = "\n".join(f"assert {expected}, {wrong!r}" for expected, wrong in EXPECTED.items())


@dataclass(frozen=True)
class Limits:
    """Limits of one solution: bytes of memory per process, processor seconds, bytes per file and of all files, processes."""

    memory: int = 512 * 2**20
    seconds: int = 5
    file_bytes: int = 4 * 2**20
    scratch_bytes: int = 16 * 2**20
    processes: int = 8


@dataclass(frozen=True)
class Outcome:
    """The verdict of the tests, and in words why they failed (empty if they passed; text of the solution's own exceptions may be in it)."""

    verdict: Verdict
    words: str = ""


def run(solution: str, tests: str, limits: Limits | None = None) -> Outcome:
    """Execute a solution and its tests in a new sandbox; raise InfrastructureError if the machine cannot build one.

    Both are Python code that may import the standard library. The tests see the solution's names; data pass between them by value, and objects
    of the solution's own classes as references that are equal to themselves alone.
    """
    limits = limits or Limits()
    with tempfile.TemporaryDirectory(prefix="unicomp-code-") as folder:
        verdict, words = _answer(_messages({**vars(limits), "folder": folder}, solution, tests), PATIENCE * limits.seconds)
    if verdict == "unisolated":
        raise InfrastructureError(f"unicomp: generated code was not run: this machine cannot isolate it: {words}.")
    return Outcome("passed" if verdict == "passed" else "failed", words)


def _answer(messages: bytes, seconds: float) -> tuple[str, str]:
    """Run the sandbox's processes and return the message that they leave; a sandbox that says nothing in time has failed."""
    process = subprocess.Popen(
        [sys.executable, "-s", "-S", "-P", "-B", "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The order of sets must not differ between two runs of the same code; the sandbox clears it once Python has started.
        env={"PYTHONHASHSEED": "0"},
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(messages, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "failed", f"not finished after {seconds:g} seconds"
    finally:
        # The process that holds the tests is in the group of the first; with it, the kernel ends the solution's.
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    try:
        verdict, words = _message(output)
    except (ValueError, TypeError, struct.error):
        return "failed", "the process of the tests ended without a verdict"
    return str(verdict), str(words)


def _messages(*values: Any) -> bytes:
    found = io.BytesIO()
    for value in values:
        data = json.dumps(value).encode()
        found.write(struct.pack(">I", len(data)) + data)
    return found.getvalue()


def _message(output: bytes) -> Any:
    (length,) = struct.unpack(">I", output[:4])
    return json.loads(output[4 : 4 + length])


@cache
def refusal() -> str | None:
    """Return in a phrase why this machine cannot run generated code, or None: a sandbox is built, and code in it tries what must not work."""
    if not sys.platform.startswith("linux"):
        return f"the sandbox needs Linux, this is {sys.platform}"
    try:
        found = run((Path(__file__).parent / "inside" / "probe.py").read_text("utf-8"), PROBE)
    except InfrastructureError as error:
        return error.detail
    return None if found.verdict == "passed" else f"a sandbox was built but does not isolate: {found.words}"
