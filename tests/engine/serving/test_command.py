"""The command that serves a checkpoint: started, awaited, stopped with its children, or refused."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.serving import ServeCommand, connect
from pytest_unicomp.engine.serving.command import validate
from tests.engine.serving import loopback

EVALUATION = Evaluation(limit=30, seed=0, bundle=None, device="cpu", dtype="float32")
SERVER = f"{shlex.quote(sys.executable)} {shlex.quote(loopback.__file__)} {{model}} {{port}}"


def test_a_command_serves_until_the_engine_is_released(tmp_path):
    # A folder's blanks must stay one word of the command.
    folder = tmp_path / "a checkpoint"
    folder.symlink_to(NANO)
    command = ServeCommand(SERVER, folder)
    engine = connect(command.start(), NANO, stop=command.stop)
    assert benchmarks()["nano-knowledge"].score(engine, EVALUATION).items
    endpoint = engine.endpoint
    engine.release()
    with pytest.raises(InfrastructureError, match="does not answer"):
        endpoint.models()


def test_a_command_that_exits_has_its_last_lines_in_the_message():
    program = "import sys; print('no kernel for this card'); sys.exit(3)"
    command = ServeCommand(f"{shlex.quote(sys.executable)} -c {shlex.quote(program)} {{model}} {{port}}", NANO)
    with pytest.raises(InfrastructureError, match="exit status 3 before it answered: no kernel for this card"):
        command.start()


def test_a_command_that_never_answers_is_stopped_with_its_children(tmp_path):
    marker = tmp_path / "child"
    child = f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    program = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); print('loading'); time.sleep(600)"
    command = ServeCommand(f"{shlex.quote(sys.executable)} -u -c {shlex.quote(program)} {{model}} {{port}}", NANO, ready_seconds=2)
    with pytest.raises(InfrastructureError, match=r"did not answer within 2 s.*it said: loading"):
        command.start()
    assert not alive(int(Path(marker).read_text()))


def alive(process: int) -> bool:
    """Return True if a process still runs; a killed one may end a moment later, or remain a zombie if nothing reaps orphans."""
    for _ in range(50):
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.1)
    os.kill(process, 0)
    return True


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("vllm serve {model}", "does not say where {port} go"),
        ("vllm 'serve {model} {port}", "cannot be read as a command line"),
        ("no-such-program {model} {port}", "which is not a program here"),
    ],
)
def test_a_command_that_cannot_work_is_refused_before_anything_runs(command, reason):
    with pytest.raises(UsageProblem) as refused:
        validate(command)
    assert reason in str(refused.value)
