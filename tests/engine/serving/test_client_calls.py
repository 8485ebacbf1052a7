"""A request that nobody answers is given up once, for every benchmark that follows."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks
from pytest_unicomp.checkpoints.hub import NANO
from pytest_unicomp.engine.serving import Endpoint, ServedEngine
from pytest_unicomp.engine.serving.chat import build_chat_client

EVALUATION = Evaluation(limit=2, seed=0, bundle=None, device="cpu", dtype="float32")


class Hanging(BaseHTTPRequestHandler):
    """Reads a request and does not answer it before the test has ended."""

    received: ClassVar[list[str]] = []
    ended = threading.Event()

    def do_POST(self) -> None:
        self.received.append(self.path)
        self.ended.wait(30)


@pytest.fixture
def hanging():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Endpoint(f"http://127.0.0.1:{server.server_port}/v1", chat=True)
    Hanging.ended.set()
    server.shutdown()
    server.server_close()


def test_a_timeout_is_final(hanging):
    lm = build_chat_client(hanging, "toy")
    lm.timeout = 1
    engine = ServedEngine(NANO, hanging, None, lm, name="chat server")
    for _ in range(2):
        started = time.monotonic()
        with pytest.raises(InfrastructureError, match="has not answered a request within 1 s; it is not sent again"):
            benchmarks()["nano-instruction-following"].score(engine, EVALUATION)
    assert time.monotonic() - started < 10
    # Both requests of the first benchmark were in flight together; the second benchmark sent none.
    assert len(Hanging.received) == 2
