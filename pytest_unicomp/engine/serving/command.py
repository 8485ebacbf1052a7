"""Serves a checkpoint with the user's own command (`vllm serve {model} --port {port}`): started on a free port, awaited, used, stopped."""

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

# A large model on a slow disk needs this long before it answers.
READY_SECONDS = 1800.0
STOP_SECONDS = 20.0
TAIL = 5


def validate(command: str) -> None:
    """Raise UsageProblem where the command lacks {model} or {port}, cannot be split into words, or names a program that is not there."""
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
    """A running server of one checkpoint folder; use `start`, then `endpoint`, then `stop`. Only the loopback address is asked."""

    command: str
    folder: Path
    ready_seconds: float = READY_SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _log: IO[bytes] | None = field(default=None, init=False)
    _opened: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)
    _port: int = field(default=0, init=False)

    def start(self) -> Endpoint:
        """Start the command and wait until it lists a model; raise InfrastructureError, with the last lines it printed, where it does not."""
        self._port = _free_port()
        # Split before the names are put in: a folder's blanks and quotes must stay one word.
        words = [word.replace("{model}", str(self.folder)).replace("{port}", str(self._port)) for word in shlex.split(self.command)]
        self._log = self._opened.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (the stack closes it, in `stop`)
        settings: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        try:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, **settings)
            self._await()
            return self.endpoint
        except OSError as error:
            self.stop()
            raise InfrastructureError(f"unicomp: the command {words[0]!r} could not be started: {error}.") from error
        except BaseException:
            self.stop()
            raise

    @property
    def endpoint(self) -> Endpoint:
        """The address that the running command answers at."""
        return Endpoint(f"http://127.0.0.1:{self._port}/v1")

    @property
    def session(self) -> int | None:
        """The process group of what runs, by its leader; None where the system has none or nothing runs."""
        return self._process.pid if self._process is not None and os.name == "posix" else None

    def _await(self) -> None:
        assert self._process is not None
        give_up = time.monotonic() + self.ready_seconds
        while True:
            if self._process.poll() is not None:
                raise InfrastructureError(
                    f"unicomp: the server of {self.folder} stopped with exit status {self._process.returncode} before it answered: {self._said()}"
                )
            try:
                self.endpoint.models()
                return
            except InfrastructureError as error:
                if time.monotonic() > give_up:
                    raise InfrastructureError(
                        f"unicomp: the server of {self.folder} did not answer within {self.ready_seconds:.0f} s ({error}); it said: {self._said()}"
                    ) from error
            time.sleep(0.1)

    def _said(self) -> str:
        if self._log is None:
            return "nothing"
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return " / ".join(lines[-TAIL:]) or "nothing"

    def stop(self) -> None:
        """Stop the command with all that it started, politely first; harmless where it has ended already."""
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
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
