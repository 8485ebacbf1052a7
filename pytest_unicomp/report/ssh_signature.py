"""Signatures of reports in OpenSSH's own format, made and checked by the program `ssh-keygen` (its options `-Y sign` and `-Y verify`).

The format is PROTOCOL.sshsig of OpenSSH 8.1 and later; the namespace keeps a signature of a report from counting for anything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem, one_line
from pytest_unicomp.api.foreign import ForeignFile, read_bytes

NAMESPACE: Final = "unicomp-report"
PROGRAM: Final = "ssh-keygen"
# Seconds. A security key waits for a touch; a check takes milliseconds.
LONGEST_SIGNING: Final = 60.0
LONGEST_CHECK: Final = 20.0
# Bytes of a signature, or of a list of allowed signers: a key of 16384 bits has about 6 kB.
LARGEST: Final = 1 << 20


def beside(report: Path) -> Path:
    """Return the path of a report's signature: `gate.json.sig` for `gate.json`."""
    return report.with_name(f"{report.name}.sig")


def sign(content: bytes, key: Path) -> str:
    """Return the signature of `content` with a private key, or with one that ssh-agent holds if `key` is its public half.

    Raises UsageProblem if the key is missing or cannot be used, InfrastructureError if ssh-keygen is missing or does not end. It never prompts:
    a key file must have no passphrase, or its key must be in ssh-agent.
    """
    if not key.is_file():
        raise UsageProblem(
            f"unicomp: there is no key {key}; expected a key of OpenSSH, made for example by `ssh-keygen -t ed25519 -f {key}`."
        )
    done = _run(["sign", "-f", str(key), "-n", NAMESPACE], content, LONGEST_SIGNING)
    if done.returncode != 0 or not done.stdout:
        found = one_line(done.stderr.decode("utf-8", "replace"), longest=200)
        raise UsageProblem(
            f"unicomp: {key} cannot sign ({found}); expected a key of OpenSSH that its owner alone can read and that has no passphrase, "
            f"or one in ssh-agent: `ssh-add {key}`."
        )
    return done.stdout.decode("ascii")


def whole(content: bytes, signature: Path) -> bool:
    """Return True if a signature is one of exactly this content as a report, whoever made it."""
    return _run(["check-novalidate", "-n", NAMESPACE, "-s", str(signature)], content, LONGEST_CHECK).returncode == 0


def candidates(signature: Path, allowed: Path) -> list[str]:
    """Return the names that a file of allowed signers gives to the signature's key, none if it does not have the key."""
    done = _run(["find-principals", "-s", str(signature), "-f", str(allowed)], b"", LONGEST_CHECK)
    return done.stdout.decode("utf-8", "replace").splitlines() if done.returncode == 0 else []


def made_by(content: bytes, signature: Path, allowed: Path, name: str) -> bool:
    """Return True if `name` may sign reports today, by the file of allowed signers, and made this signature of this content."""
    words = ["verify", "-f", str(allowed), "-I", name, "-n", NAMESPACE, "-s", str(signature)]
    return _run(words, content, LONGEST_CHECK).returncode == 0


def require_small(path: Path) -> None:
    """Raise ForeignFile unless a file is regular and no longer than a signature or a list of signers may be."""
    read_bytes(path, LARGEST)


def require_signers(path: Path) -> None:
    """Raise UsageProblem unless `path` is a file that may list allowed signers."""
    try:
        require_small(path)
    except ForeignFile as error:
        raise UsageProblem(
            f"unicomp: --allowed-signers {path} {error.found}; expected a file of OpenSSH with lines such as `ann@example.org ssh-ed25519 AAAA…`."
        ) from error


def _run(words: Sequence[str], content: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(PROGRAM)
    if program is None:
        raise InfrastructureError(f"unicomp: the program {PROGRAM} is not installed; expected OpenSSH 8.2 or later on the PATH.")
    # In a session of its own there is no terminal on which to ask for a passphrase.
    environment = {**os.environ, "SSH_ASKPASS_REQUIRE": "never"}
    try:
        return subprocess.run(
            [program, "-Y", *words],
            input=content,
            capture_output=True,
            timeout=seconds,
            env=environment,
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"unicomp: {PROGRAM} -Y {words[0]} did not end within {seconds:.0f} seconds and was stopped.") from error
    except OSError as error:
        raise InfrastructureError(f"unicomp: {PROGRAM} cannot be run: {one_line(error)}.") from error
