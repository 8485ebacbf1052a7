"""Serves a checkpoint with the user's own command (`vllm serve {model} --port {port}`): starts it on a free port, waits until it answers, stops it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.engine.serving.endpoint import Endpoint

# A large model on a slow disk may take this long to load.
READY_SECONDS = 1800.0
STOP_SECONDS = 20.0
# Lines of the server's output that an error message repeats.
TAIL = 5


def validate(command: str) -> None:
    """Raise UsageProblem if the command lacks {model} or {port}, cannot be split into words, or names a program that does not exist."""
    missing = [name for name in ("{model}", "{port}") if name not in command]
    if missing:
        raise UsageProblem(
            f"unicomp: --unicomp-serve {command!r} does not say where {' and '.join(missing)} go; expected for example 'vllm serve {{model}} --port {{port}}'."
        )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageProblem(f"unicomp: --unicomp-serve {command!r} cannot be read as a command line: {error}.") from error
    if shutil.which(words[0]) is None:
        raise UsageProblem(f"unicomp: --unicomp-serve starts {words[0]!r}, which is not a program here; give its full path.")


@dataclass
class ServeCommand:
    """The server of one checkpoint folder: call `start`, use `endpoint`, call `stop`. It is contacted at the loopback address alone."""

    command: str
    folder: Path
    ready_seconds: float = READY_SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log: IO[bytes] | None = field(default=None, init=False)
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)
    _port: int = field(default=0, init=False)

    def start(self) -> Endpoint:
        """Start the command and wait until it lists a model; if it does not, raise InfrastructureError with the last lines of its output."""
        self._port = _free_port()
        # Split before the placeholders are replaced: a folder with blanks or quotes must stay one word.
        words = [word.replace("{model}", str(self.folder)).replace("{port}", str(self._port)) for word in shlex.split(self.command)]
        self._log = self._opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it, in `stop`
        settings: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        try:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, **settings)
            self._wait_until_ready()
            return self.endpoint
        except OSError as error:
            self.stop()
            raise InfrastructureError(f"unicomp: the command {words[0]!r} could not be started: {error}.") from error
        except BaseException:
            # Also KeyboardInterrupt: no server may outlive the run.
            self.stop()
            raise

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of the running command."""
        return Endpoint(f"http://127.0.0.1:{self._port}/v1")

    @property
    def session(self) -> int | None:
        """The process group of the command, by its leader; None if it is not running, or if the system has no process groups."""
        return self._process.pid if self._process is not None and os.name == "posix" else None

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.ready_seconds
        while True:
            if self._process.poll() is not None:
                raise InfrastructureError(
                    f"unicomp: the server of {self.folder} stopped with exit status {self._process.returncode} before it answered: {self._log_tail()}"
                )
            try:
                self.endpoint.models()
                return
            except InfrastructureError as error:
                if time.monotonic() > deadline:
                    raise InfrastructureError(
                        f"unicomp: the server of {self.folder} did not answer within {self.ready_seconds:.0f} s ({error}); it said: {self._log_tail()}"
                    ) from error
            time.sleep(0.1)

    def _log_tail(self) -> str:
        if self._log is None:
            return "nothing"
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-TAIL:]) or "nothing"

    def stop(self) -> None:
        """Stop the command and its child processes, with SIGTERM first; do nothing if it has ended already."""
        process, self._process = self._process, None
        if process is not None:
            _signal(process, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
                process.wait()
            # A worker may outlive the process that started it.
            _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))
        self._opened.close()
        self._log = None


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, number)
        elif process.poll() is None:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
