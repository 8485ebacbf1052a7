"""Says what this machine and its libraries are, without importing torch unless a GPU makes it necessary."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Literal

LIBRARIES = ("torch", "transformers", "tokenizers", "lm-eval", "datasets", "compressed-tensors")


def versions() -> dict[str, str]:
    """Return the installed versions of the libraries that shape a result; one that is not installed is left out."""
    return {library: version for library in LIBRARIES if (version := _version(library)) is not None}


@cache
def _version(library: str) -> str | None:
    """Look a version up once: what is imported stays what it was."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def describe() -> dict[str, Any]:
    """Return operating system, CPU model, cores this process may use, memory in bytes (None if unknown), Python, accelerators, versions."""
    return {
        "os": platform.platform(),
        "cpu": _processor(),
        "cores": cores(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
        "accelerators": list(accelerators()),
        "versions": versions(),
    }


def kind(device: str) -> Literal["cpu", "cuda"]:
    """Return what limits and kernels are chosen by: "cuda" for "cuda" and "cuda:N", else "cpu"."""
    return "cuda" if device.startswith("cuda") else "cpu"


def name(device: str) -> str:
    """Return one line that names what computes on `device`: the accelerator's name, the CPU's with its cores, or that only a server knows."""
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return f"{_processor()}, {cores()} cores"
    if kind == "server":
        return "unknown: the server's"
    names = accelerators()
    index = int(number or 0)
    return names[index] if index < len(names) else device


@cache
def accelerators() -> tuple[str, ...]:
    """Return the names of the visible NVIDIA GPUs: from torch where it is loaded, else from `nvidia-smi`; empty where neither knows any."""
    torch = sys.modules.get("torch")
    if torch is not None:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return tuple(str(torch.cuda.get_device_name(index)) for index in range(count))
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ()
    command = [program, "--query-gpu=name", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        # A driver that does not answer is no accelerator that we could use.
        return ()
    names = [line.strip() for line in listed.splitlines() if line.strip()]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None and re.fullmatch(r"\d+(,\d+)*", chosen):
        names = [names[int(index)] for index in chosen.split(",") if int(index) < len(names)]
    return tuple(names)


def resolve_device(device: str) -> str:
    """Turn "auto", and "sharded" (whose first part lies there), into "cuda:0" where torch can use a GPU and "cpu" elsewhere; "cuda" becomes "cuda:0", other names stay."""
    if device not in ("auto", "sharded"):
        return "cuda:0" if device == "cuda" else device
    if "+cpu" in versions().get("torch", "+cpu") or not accelerators():
        return "cpu"
    import torch

    return "cuda:0" if torch.cuda.is_available() else "cpu"


def missing_device(device: str) -> str | None:
    """Say in one phrase what keeps a device from being used here, or None where nothing is known to; "auto" is always there."""
    if not device.startswith("cuda"):
        return None
    if "+cpu" in versions().get("torch", ""):
        return f"the torch that is installed ({versions()['torch']}) is built for the CPU alone"
    names, number = accelerators(), int(device.partition(":")[2] or 0)
    if number >= len(names):
        return f"this machine has {len(names)} GPUs" + (f" ({', '.join(names)})" if names else "")
    return None


@cache
def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", listing.read_text(encoding="utf-8", errors="replace"), flags=re.MULTILINE)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine() or "unknown"


def cores() -> int:
    """Count the cores that the scheduler gives this process, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
