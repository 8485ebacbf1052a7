"""Serves a GGUF file by llama.cpp's own HTTP server, which the wheel xllamacpp carries: `python llama_cpp_server.py MODEL.gguf PORT`."""

from __future__ import annotations

import os
import signal
import sys

import xllamacpp

SLOTS = 4
CONTEXT = 2048


def main(model: str, port: int) -> None:
    """Serve until a signal ends the process."""
    settings = xllamacpp.CommonParams()
    settings.model.path = model
    settings.hostnames, settings.port = ["127.0.0.1"], port
    settings.n_parallel, settings.n_ctx = SLOTS, SLOTS * CONTEXT
    settings.cpuparams.n_threads = os.cpu_count() or 1
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    signal.sigwait([signal.SIGTERM, signal.SIGINT])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
