"""A server is started once for each model and command, and what made it fail is what every later request for it is told."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.evaluated_by import evaluated_by
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.serving import Endpoint, ServeCommand, ServedEngine
from pytest_unicomp.run.loaded_models import LoadedModels
from pytest_unicomp.store.local import Store
from tests.toys import artifact

# It lists a model, and does something else at the first prompt.
SERVER = """
import http.server, json, os, sys
print("start", flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *words): pass
    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_GET(self):
        self.answer({"data": [{"id": "toy"}]})
    def do_POST(self):
        %s
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""


def connected(endpoint: Endpoint, folder: Path, *, command: ServeCommand) -> ServedEngine:
    """Connect as the product does, without a tokenizer, which takes seconds to import."""
    endpoint.call("completions", {"prompt": "text"})
    return ServedEngine(folder, endpoint, None, None, command)


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Returns what asks for the server of nano, which does `at_prompt`, and the steps that were begun."""

    monkeypatch.setattr("pytest_unicomp.engine.serving.connect", connected)

    def served(at_prompt: str) -> tuple[Any, list[Any], Any]:
        command = f"{shlex.quote(sys.executable)} -c {shlex.quote(SERVER % at_prompt)} {{model}} {{port}}"
        settings = resolve({"model": "nano", "recipe": ["dense"], "serve": command})
        steps: list[Any] = []
        loaded = LoadedModels(settings, SimpleNamespace(model=SimpleNamespace(path=str(NANO))), Store(tmp_path), steps.append)
        subject = (artifact(str(NANO), recipe="toy"), evaluated_by(settings, "toy"))
        return loaded, steps, subject

    return served


def test_a_server_that_ends_at_the_first_prompt_is_started_once_and_its_cause_is_given(serve, tmp_path):
    loaded, steps, subject = serve("print('RuntimeError: no kernel for float', flush=True); os._exit(4)")
    for _ in range(2):
        with pytest.raises(
            InfrastructureError, match=r"the server of toy ended with exit status 4: RuntimeError: no kernel for float; all that"
        ):
            loaded.server(subject)
    assert [step.stage for step in steps] == ["serve"]
    [log] = (tmp_path / "logs").iterdir()
    assert log.read_text(encoding="utf-8").splitlines() == ["start", "RuntimeError: no kernel for float"]


def test_a_server_that_answers_rubbish_is_an_error_with_the_place_of_its_log(serve, tmp_path):
    loaded, _, subject = serve("self.answer(['rubbish'])")
    loaded.server(subject)
    error = loaded.explained(subject, InfrastructureError("unicomp: it answered ['rubbish']."))
    loaded.release()
    [log] = (tmp_path / "logs").iterdir()
    assert str(error) == f"unicomp: it answered ['rubbish']. All that the server printed is in {log}."


# The child keeps the port after its parent has ended, as a server of another run would hold it.
FORKS = "self.answer({'choices': []}); os.fork() and os._exit(5); self.server.serve_forever()"


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_a_server_that_has_ended_has_failed_even_if_another_program_answers_at_its_port(serve):
    loaded, _, subject = serve(FORKS)
    engine = loaded.server(subject)
    try:
        while not engine.command.has_ended:
            time.sleep(0.01)
        assert engine.endpoint.models() == [{"id": "toy"}]
        with pytest.raises(InfrastructureError, match="the server of toy has ended, so its answers are not kept") as found:
            loaded.require_running(subject)
        assert "ended with exit status 5" in str(loaded.explained(subject, found.value))
    finally:
        loaded.release()


def test_a_server_that_works_leaves_no_log(serve, tmp_path):
    loaded, _, subject = serve("self.answer({'choices': []})")
    loaded.server(subject)
    loaded.require_running(subject)
    loaded.release()
    assert not list((tmp_path / "logs").iterdir())
