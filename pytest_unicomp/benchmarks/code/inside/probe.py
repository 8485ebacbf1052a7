"""Tries, as a solution would, what the sandbox must not allow; `sandbox.refusal` asks for each and expects it to fail."""

from __future__ import annotations

import hashlib
import os
import socket
import time


def environment() -> dict[str, str]:
    """Return the environment variables that can be read."""
    return dict(os.environ)


def interfaces() -> list[str]:
    """Return the network interfaces besides the loopback, which is down."""
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def writable() -> list[str]:
    """Return the folders outside the scratch folder in which a file can be made."""
    found = []
    for folder in ("/", "/usr", "/lib", "/usr/lib", os.path.dirname(os.__file__)):
        try:
            with open(f"{folder}/unicomp-probe", "w", encoding="ascii"):
                found.append(folder)
        except OSError:
            continue
    return found


def readable() -> list[str]:
    """Return the folders of the machine that the sandbox can see; none if it isolates."""
    return [folder for folder in ("/proc", "/home", "/etc", "/sys", "/dev", "/var") if os.path.exists(folder)]


def forks() -> int:
    """Return how many processes can be started, at most 200."""
    for count in range(200):
        try:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
        except OSError:
            return count
    return 200


def memory() -> bool:
    """Return True if two gigabytes can be reserved."""
    try:
        return bool(bytearray(2**31))
    except MemoryError:
        return False


def digest() -> str:
    """Return a digest, which needs an extension module and its libraries."""
    return hashlib.sha256(b"").hexdigest()[:8]
