"""Serves a checkpoint with the user's own command (`vllm serve {model} --port {port}`): starts it on a free port, waits until it answers, stops it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.config.options.serving import KEY_VARIABLE
from pytest_unicomp.engine.serving.endpoint import Endpoint, KeyRefused
from pytest_unicomp.engine.serving.key import without_key
from pytest_unicomp.engine.serving.server_log import first_cause

# A large model on a slow disk may take this long to load.
READY_SECONDS = 1800.0
STOP_SECONDS = 20.0
# A server that works may be slow to list its models while it answers a batch, but not as slow as this.
ALIVE_SECONDS = 60.0
ENDING_SECONDS = 5.0
# What is shipped, and the folder that it was unpacked to if it was converted.
PLACEHOLDER: Final = re.compile(r"\{(?:model|unpacked|port)\}")
MODELS: Final = ("{model}", "{unpacked}")
FLAG: Final = "--unicomp-serve"
# Becomes the server, which the end of this process, even by SIGKILL, ends by SIGTERM (1 is PR_SET_PDEATHSIG): it may hold a whole GPU.
# Only Linux can do that.
BOUND: Final = """
import ctypes, os, signal, sys
parent, *words = sys.argv[1:]
ctypes.CDLL(None).prctl(1, int(signal.SIGTERM), 0, 0, 0)
if os.getppid() == int(parent):
    try:
        os.execvp(words[0], words)
    except OSError as error:
        sys.exit(f"{words[0]} could not be started: {error}")
"""


def validate(command: str, origin: str = FLAG) -> None:
    """Raise UsageProblem if the command lacks a model or {port}, cannot be split into words, or names a program that does not exist.

    `origin` is the flag or key that gave the command.
    """
    missing = [names[0] for names in (MODELS, ("{port}",)) if not any(name in command for name in names)]
    if missing:
        raise UsageProblem(
            f"unicomp: {origin} {command!r} does not say where {' and '.join(missing)} go; expected for example 'vllm serve {{model}} --port {{port}}'."
        )
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageProblem(f"unicomp: {origin} {command!r} cannot be read as a command line: {error}.") from error
    if shutil.which(words[0]) is None:
        raise UsageProblem(f"unicomp: {origin} starts {words[0]!r}, which is not a program here; give its full path.")


@dataclass
class ServeCommand:
    """The server of one checkpoint: call `start`, use `endpoint`, call `stop`. It is contacted at the loopback address alone.

    `model` is the folder or file that is shipped, `unpacked` the folder that it was converted to, the same if it was not. `key_variable` names the
    environment variable with the server's key.
    What the server prints goes to the file `log`, which `stop` deletes unless it was asked for. `failed` is True once the server is known to have
    ended or to hang.
    """

    command: str
    model: Path
    log: Path
    unpacked: Path | None = None
    key_variable: str = KEY_VARIABLE
    ready_seconds: float = READY_SECONDS
    alive_seconds: float = ALIVE_SECONDS
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _port: int = field(default=0, init=False)
    failed: bool = field(default=False, init=False)
    _keeps_log: bool = field(default=False, init=False)

    def start(self) -> Endpoint:
        """Start the command and wait until it lists a model; if it does not, raise InfrastructureError with the first cause that it printed."""
        self._port = _free_port()
        meant = {"{model}": str(self.model), "{unpacked}": str(self.unpacked or self.model), "{port}": str(self._port)}
        # Split before the placeholders are replaced: a folder with blanks or quotes must stay one word.
        words = [PLACEHOLDER.sub(lambda found: meant[found[0]], word) for word in shlex.split(self.command)]
        settings: dict[str, Any] = {"start_new_session": True} if os.name == "posix" else {}
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb") as output:
                self._process = subprocess.Popen(
                    _bound(words), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **settings
                )
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
        return Endpoint(f"http://127.0.0.1:{self._port}/v1", key_variable=self.key_variable)

    @property
    def session(self) -> int | None:
        """The process group of the command, by its leader; None if it is not running, or if the system has no process groups."""
        return self._process.pid if self._process is not None and os.name == "posix" else None

    @property
    def has_ended(self) -> bool:
        """True if the command was started and has ended by itself; whoever answers at its port is then another program."""
        return self._process is not None and self._process.poll() is not None

    def failure(self) -> str | None:
        """Return in one clause how the server failed since it was started: it ended, or lists its models no more. None if it still works."""
        if self._process is None:
            return None
        if not self.has_ended:
            try:
                self.endpoint.models(seconds=self.alive_seconds)
                return None
            except InfrastructureError:
                # The reason follows from the process.
                pass
        try:
            # One that is about to end closes its port first.
            return self._failure(f"ended with exit status {self._process.wait(ENDING_SECONDS)}")
        except subprocess.TimeoutExpired:
            return self._failure(f"runs, but has not listed its models within {self.alive_seconds:g} s")

    def _failure(self, what: str) -> str:
        self.failed = True
        cause = first_cause(self.log.read_text(encoding="utf-8", errors="replace"))
        return f"{what}: {without_key(cause, self.endpoint.headers())}; all that it printed is in {self.kept_log()}"

    def kept_log(self) -> Path:
        """Return the file with all that the server printed, which `stop` leaves there from now on."""
        self._keeps_log = True
        return self.log

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.ready_seconds
        while True:
            if self._process.poll() is not None:
                ended = self._failure(f"ended with exit status {self._process.returncode} before it answered")
                raise InfrastructureError(f"unicomp: the server of {self.model} {ended}.")
            try:
                self.endpoint.models()
                return
            except KeyRefused:
                # It will not change its mind.
                raise
            except InfrastructureError as error:
                if time.monotonic() > deadline:
                    silent = self._failure(f"did not answer within {self.ready_seconds:g} s")
                    raise InfrastructureError(f"unicomp: the server of {self.model} {silent}.") from error
            time.sleep(0.1)

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
        if not self._keeps_log:
            self.log.unlink(missing_ok=True)


def _bound(words: list[str]) -> list[str]:
    """Return the words that start a command whose life is bound to this process, if the system can do that; else the command's own."""
    return [sys.executable, "-I", "-c", BOUND, str(os.getpid()), *words] if sys.platform.startswith("linux") else words


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
