"""The command that serves a checkpoint: started, awaited, stopped with its children, or refused."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
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


def test_a_command_serves_until_the_engine_is_released_and_leaves_no_log(tmp_path):
    # A folder's blanks must stay one word of the command.
    folder, log = tmp_path / "a checkpoint", tmp_path / "logs" / "server.log"
    folder.symlink_to(NANO)
    command = ServeCommand(SERVER, folder, log)
    engine = connect(command.start(), NANO, command=command)
    assert benchmarks()["nano-knowledge"].score(engine, EVALUATION).items
    assert (command.failure(), log.exists()) == (None, True)
    endpoint = engine.endpoint
    engine.release()
    assert not log.exists()
    with pytest.raises(InfrastructureError, match="does not answer"):
        endpoint.models()


def program(text: str) -> str:
    """Return the command of a server that is a few lines of Python."""
    return f"{shlex.quote(sys.executable)} -u -c {shlex.quote(text)} {{model}} {{port}}"


def test_a_command_that_exits_has_its_first_cause_in_the_message_and_all_that_it_printed_in_a_file(tmp_path):
    log = tmp_path / "server.log"
    printing = (
        "import sys\ntry:\n    raise NotImplementedError('no kernel for float')\nexcept Exception as cause:\n"
        "    import traceback; traceback.print_exc()\nprint('see above'); sys.exit(3)"
    )
    command = ServeCommand(program(printing), NANO, log)
    with pytest.raises(
        InfrastructureError, match=r"ended with exit status 3 before it answered: NotImplementedError: no kernel for float; all"
    ) as found:
        command.start()
    assert str(log) in str(found.value)
    assert log.read_text().endswith("see above\n")


def test_a_command_that_never_answers_is_stopped_with_its_children(tmp_path):
    marker = tmp_path / "child"
    child = f"import os, time; open({str(marker)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    parent = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child!r}]); print('loading'); time.sleep(600)"
    command = ServeCommand(program(parent), NANO, tmp_path / "server.log", ready_seconds=2)
    with pytest.raises(InfrastructureError, match=r"did not answer within 2 s: loading"):
        command.start()
    assert not alive(int(Path(marker).read_text()))


KEYED = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Keyed(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.headers.get('Authorization') == 'Bearer the-right-key' else 401)
        self.end_headers()
        self.wfile.write(json.dumps({'data': [{'id': 'served'}]}).encode())
HTTPServer(('127.0.0.1', int(sys.argv[2])), Keyed).serve_forever()
"""


def test_a_command_whose_server_wants_a_key_gets_that_of_its_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_KEY", "the-right-key")
    command = ServeCommand(program(KEYED), NANO, tmp_path / "server.log", key_variable="OWN_KEY")
    try:
        assert command.start().served() == {"id": "served"}
    finally:
        command.stop()


def test_a_command_whose_server_refuses_the_key_is_not_awaited(tmp_path, monkeypatch):
    monkeypatch.delenv("OWN_KEY", raising=False)
    command = ServeCommand(program(KEYED), NANO, tmp_path / "server.log", ready_seconds=60, key_variable="OWN_KEY")
    with pytest.raises(InfrastructureError, match=r"answered 401: .*OWN_KEY, which is not set; export OWN_KEY=KEY"):
        command.start()
    assert command.session is None


def test_a_key_that_a_server_prints_is_not_in_the_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("OWN_KEY", "the-right-key")
    printing = "import os, sys; sys.exit('error: bad key ' + os.environ['OWN_KEY'])"
    command = ServeCommand(program(printing), NANO, tmp_path / "server.log", key_variable="OWN_KEY")
    with pytest.raises(InfrastructureError, match=r"error: bad key \[key\];"):
        command.start()


STARTS = """
import sys, time
from pathlib import Path
from pytest_unicomp.engine.serving import ServeCommand
ServeCommand(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])).start()
print("serving", flush=True)
time.sleep(600)
"""
LISTS = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def do_GET(self):
        body = b'{"data": [{"id": "toy"}]}'
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
open(sys.argv[1] + "/pid", "w").write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends a process with its parent")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_server_outlives_the_run_that_started_it_however_that_ends(number, tmp_path):
    command = [sys.executable, "-c", STARTS, program(LISTS), str(tmp_path), str(tmp_path / "server.log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "serving\n"
        server = int((tmp_path / "pid").read_text())
        assert alive(server)
        run.send_signal(number)
        run.wait()
    assert not alive(server)


LISTS_ONCE = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0
    def log_message(self, *words): pass
    def do_GET(self):
        Handler.asked += 1
        if Handler.asked > 1:
            %s
        body = b'{"data": [{"id": "toy"}]}'
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


@pytest.mark.parametrize(
    ("then", "failure"),
    [
        ("print('out of memory'); import os; os._exit(9)", "ended with exit status 9: out of memory"),
        ("time.sleep(600)", "has not listed its models"),
    ],
)
def test_a_server_that_dies_or_hangs_after_its_start_is_a_failure(tmp_path, then, failure):
    command = ServeCommand(program(LISTS_ONCE % then), NANO, tmp_path / "server.log", alive_seconds=1)
    try:
        command.start()
        assert failure in (command.failure() or "")
    finally:
        command.stop()
    assert (tmp_path / "server.log").exists()


def alive(process: int) -> bool:
    """Return True if a process still runs; a killed one may end a moment later, or remain a zombie if nothing reaps orphans."""
    for _ in range(50):
        state = Path(f"/proc/{process}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return False
        time.sleep(0.1)
    os.kill(process, 0)
    return True


def test_a_command_may_take_the_unpacked_folder_instead_of_the_file_that_is_shipped(tmp_path):
    printing = f"{shlex.quote(sys.executable)} -c 'import sys; sys.exit(\" \".join(sys.argv[1:]))' {{model}} {{unpacked}} {{port}}"
    for unpacked, words in ((tmp_path / "{port}", f"model.gguf {tmp_path}/{{port}} "), (None, "model.gguf model.gguf ")):
        with pytest.raises(InfrastructureError) as ended:
            ServeCommand(printing, Path("model.gguf"), tmp_path / "server.log", unpacked).start()
        assert words in str(ended.value)
    validate(f"{shlex.quote(sys.executable)} {{unpacked}} {{port}}")


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
        validate(command, "--unicomp-serve-candidate")
    assert reason in str(refused.value)
    assert str(refused.value).startswith("unicomp: --unicomp-serve-candidate ")
