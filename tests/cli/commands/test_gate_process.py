"""The process in which a gate runs pytest never outlives the command that started it."""

import os
import signal
import subprocess
import sys
import time

import pytest

PARENT = "import sys; from pytest_unicomp.cli.commands.gate_process import ended_with; sys.exit(ended_with(sys.argv[1:]))"
SECONDS = 60


def runs(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # An orphan that nobody waits for has ended too.
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        return file.read().rpartition(") ")[2][0] != "Z"


def wait_until(found):
    until = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return value


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process that its parent has ended")
def test_when_the_command_is_killed_its_pytest_ends_as_after_sigterm(tmp_path):
    begun, ended = tmp_path / "begun", tmp_path / "ended"
    test = tmp_path / "test_sleeps.py"
    test.write_text(
        f"""
import os, pathlib, time
def test_sleeps():
    place = pathlib.Path({str(begun)!r})
    place.with_suffix(".part").write_text(str(os.getpid()))
    place.with_suffix(".part").rename(place)
    try:
        time.sleep(600)
    finally:
        pathlib.Path({str(ended)!r}).touch()
"""
    )
    arguments = [str(test), "-c", os.devnull, f"--rootdir={tmp_path}", "-p", "no:cacheprovider", "--unicomp-model=nano"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", PARENT, *arguments], cwd=tmp_path, **quiet) as parent:
        wait_until(begun.exists)
        child = int(begun.read_text())
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not runs(child))
    assert ended.exists()
