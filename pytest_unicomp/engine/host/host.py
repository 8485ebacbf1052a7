"""Describes this machine and its libraries; torch is imported only if there is a GPU to ask it about."""

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
    """Return the installed versions of the libraries that influence results; libraries that are not installed are left out."""
    return {library: version for library in LIBRARIES if (version := _version(library)) is not None}


@cache
def _version(library: str) -> str | None:
    """Look a version up once: an imported library does not change."""
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None


def describe() -> dict[str, Any]:
    """Return operating system, CPU model, usable cores, memory in bytes (None if unknown), Python version, GPUs and library versions."""
    return {
        "os": platform.platform(),
        "cpu": _processor(),
        "cores": cores(),
        "memory_bytes": _memory(),
        "python": platform.python_version(),
        "accelerators": list(accelerators()),
        "versions": versions(),
    }


def device_type(device: str) -> Literal["cpu", "cuda"]:
    """Return "cuda" for "cuda" and "cuda:N", else "cpu"; limits and kernels depend on it."""
    return "cuda" if device.startswith("cuda") else "cpu"


def device_name(device: str) -> str:
    """Return the name of the hardware behind `device` in one line: the GPU's, or the CPU's with its cores; a server's is unknown."""
    type_, _, number = device.partition(":")
    if type_ == "cpu":
        return f"{_processor()}, {cores()} cores"
    if type_ == "server":
        return "unknown: the server's"
    names = accelerators()
    index = int(number or 0)
    return names[index] if index < len(names) else device


def device_key(device: str, *, sharded: bool = False) -> str:
    """Return the name of `device` in the keys of results: "cpu", or the GPU's name, which GPUs of one model share; of a sharded model all names."""
    if not device.startswith("cuda"):
        return device
    return f"sharded: {', '.join(accelerators())}" if sharded else device_name(device)


@cache
def accelerators() -> tuple[str, ...]:
    """Return the names of the visible NVIDIA GPUs, from torch if it is imported already, else from `nvidia-smi`; empty if there are none."""
    torch = sys.modules.get("torch")
    if torch is not None:
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        return tuple(str(torch.cuda.get_device_name(index)) for index in range(count))
    program = shutil.which("nvidia-smi")
    if program is None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return ()
    # CUDA numbers GPUs by their speed unless told otherwise, and nvidia-smi by their bus.
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    command = [program, "--query-gpu=uuid,name", "--format=csv,noheader"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        # A GPU whose driver does not answer cannot be used.
        return ()
    uuids_and_names = [
        (uuid.strip(), name.strip()) for uuid, _, name in (line.partition(",") for line in listed.splitlines()) if name.strip()
    ]
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(name for _, name in uuids_and_names) if chosen is None else _visible(uuids_and_names, chosen.split(","))


def _visible(uuids_and_names: list[tuple[str, str]], chosen: list[str]) -> tuple[str, ...]:
    """Return the names of the GPUs that CUDA_VISIBLE_DEVICES chooses: by number, by the beginning of a UUID, or a MIG partition by its UUID.

    As in CUDA, the first entry that names no GPU hides itself and all that follow.
    """
    names: list[str] = []
    for entry in map(str.strip, chosen):
        if entry.startswith("MIG-"):
            names.append(f"MIG partition {entry}")
            continue
        by_number = [name for index, (_, name) in enumerate(uuids_and_names) if entry == str(index)]
        found = by_number or [name for uuid, name in uuids_and_names if entry and uuid.startswith(entry)]
        if not found:
            break
        names.append(found[0])
    return tuple(names)


def resolve_device(device: str) -> str:
    """Return "cuda:0" for "auto" if torch can use a GPU, else "cpu"; the same for "sharded", whose first layers are there.

    "cuda" becomes "cuda:0"; other names are returned unchanged.
    """
    if device not in ("auto", "sharded"):
        return "cuda:0" if device == "cuda" else device
    if "+cpu" in versions().get("torch", "+cpu") or not accelerators():
        return "cpu"
    import torch

    return "cuda:0" if torch.cuda.is_available() else "cpu"


def unavailable_reason(device: str) -> str | None:
    """Return the reason why a device cannot be used on this machine, as a phrase, or None if no problem was detected; "auto" always works."""
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
    """Count the cores that this process may use, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> int | None:
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" in names and "SC_PAGE_SIZE" in names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None
