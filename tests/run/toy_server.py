"""A server of nano that does something of one's own at each prompt, behind the product's own LoadedModels."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.config.evaluated_by import evaluated_by
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.serving import Endpoint, ServeCommand, ServedEngine
from pytest_unicomp.run.loaded_models import LoadedModels, Subject
from pytest_unicomp.run.step import Step
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
# The child keeps the port after its parent has ended, as a server of another run would hold it.
FORKS = "self.answer({'choices': []}); os.fork() and os._exit(5); self.server.serve_forever()"


def connected(endpoint: Endpoint, folder: Path, *, command: ServeCommand | None = None) -> ServedEngine:
    """Connect as the product does, without a tokenizer, which takes seconds to import; to an address, without a request."""
    if command is not None:
        endpoint.call("completions", {"prompt": "text"})
    return ServedEngine(folder, endpoint, None, None, command)


def served_nano(store: Path, patch: pytest.MonkeyPatch, at_prompt: str) -> tuple[LoadedModels, list[Step], Subject]:
    """Return what starts the server that runs the line `at_prompt` at a prompt, the steps that were begun, and what to ask for."""
    patch.setattr("pytest_unicomp.engine.serving.connect", connected)
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(SERVER % at_prompt)} {{model}} {{port}}"
    settings = resolve({"model": "nano", "recipe": ["dense"], "serve": command}, {})
    steps: list[Step] = []
    artifacts: Any = SimpleNamespace(model=SimpleNamespace(path=str(NANO)))
    return (
        LoadedModels(settings, artifacts, Store(store), steps.append),
        steps,
        (artifact(str(NANO), recipe="toy"), evaluated_by(settings, "toy")),
    )
