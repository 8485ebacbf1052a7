"""Nothing that a whole run prints is wider than its terminal."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys

import pytest

from tests.plugin.conftest import LIMIT

pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
pytestmark = pytest.mark.slow


def shown(command, columns, folder):
    """Run a command on a terminal of so many columns, and return the lines that it drew there, without colours and jumps."""
    import fcntl
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"TERM": "xterm"}
    found = b""
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment):
        os.close(theirs)
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            found += part
    os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", found.decode("utf-8", "replace"))
    return [line for drawn in plain.replace("\r\n", "\n").split("\n") for line in drawn.split("\r")]


@pytest.mark.parametrize("columns", [80, 100, 160])
def test_a_gate_on_a_terminal_draws_nothing_wider_than_it_and_ends_with_what_to_do(store, tmp_path, columns):
    words = ["gate", "nano", f"--cache={store}", f"--limit={LIMIT}", "--recipe=rtn-w8a16", "--inform=wanda-2of4", "--drift=off"]
    command = [sys.executable, "-c", "from pytest_unicomp.cli import main; main()", *words, "--benchmark=nano-knowledge,nano-safety,bytes"]
    lines = shown(command, columns, tmp_path)
    assert max(map(len, lines)) <= columns
    block = " ".join(line.strip() for line in lines[max(place for place, line in enumerate(lines) if "= verdict =" in line) :])
    assert "report: gate.html next: " in block
