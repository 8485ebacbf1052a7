"""`unicomp doctor`: finds out what this machine can run and what to install for the rest; makes no connection unless `ask_hub` is set."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pytest_unicomp.api.errors import one_line
from pytest_unicomp.api.protocols import Method
from pytest_unicomp.api.registry import Table, missing_libraries
from pytest_unicomp.checkpoints import hub
from pytest_unicomp.checkpoints.format_table import FORMATS
from pytest_unicomp.engine.host import host
from pytest_unicomp.store import baselines
from pytest_unicomp.store.local import Store

# fine: works; absent: something optional is missing; broken: must be repaired before anything works reliably.
State = Literal["fine", "absent", "broken"]
DISTRIBUTION = "pytest-unicomp"
# Optional libraries and their purpose.
OPTIONAL = {"xdist": "tests in several processes (-n)", "ray": "--unicomp-executor=ray"}
LITTLE_DISK = 5 * 10**9
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class Finding:
    """One result: what was examined, its state, what was found, and what to do about it (empty: nothing)."""

    about: str
    what: str
    state: State
    found: str
    action: str = ""

    def row(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


def findings(store: Store, table: Table[Method], *, ask_hub: bool = False) -> list[Finding]:
    """Examine libraries, devices, kernels, formats, recipes, the hub's settings, disk and store; `table` holds the recipes."""
    groups = (_machine(), _libraries(), _devices(), _kernels(), _formats(), _recipes(table), _hub(ask_hub), _disk(store), _package())
    return [finding for group in groups for finding in group]


def _machine() -> Iterator[Finding]:
    here = host.describe()
    memory = "unknown memory" if here["memory_bytes"] is None else f"{here['memory_bytes'] / 1e9:.0f} GB of memory"
    yield Finding("machine", "python", "fine", f"{platform.python_version()} on {here['os']}")
    yield Finding("machine", "processor", "fine", f"{here['cpu']}, {here['cores']} cores, {memory}")


def _libraries() -> Iterator[Finding]:
    """Compare the installed versions with the package's requirements."""
    from packaging.requirements import Requirement

    try:
        stated = importlib.metadata.requires(DISTRIBUTION) or []
        yield Finding("libraries", DISTRIBUTION, "fine", importlib.metadata.version(DISTRIBUTION))
    except importlib.metadata.PackageNotFoundError:
        yield Finding("libraries", DISTRIBUTION, "broken", "runs from a folder that is not installed", "pip install pytest-unicomp")
        return
    for wanted in map(Requirement, stated):
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(wanted.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("libraries", wanted.name, "broken", "not installed", f"pip install '{wanted.name}{wanted.specifier}'")
            continue
        fits = wanted.specifier.contains(version, prereleases=True)
        action = "" if fits else f"pip install '{wanted.name}{wanted.specifier}'"
        yield Finding("libraries", wanted.name, "fine" if fits else "broken", version, action)
    for name, purpose in OPTIONAL.items():
        missing = missing_libraries([name])
        action = f"pip install 'pytest-unicomp[{name}]'" if missing else ""
        yield Finding("libraries", f"{name} (optional)", "absent" if missing else "fine", f"for {purpose}", action)


def _devices() -> Iterator[Finding]:
    yield Finding("devices", "cpu", "fine", "always available")
    built = host.versions().get("torch", "")
    names = host.accelerators()
    for number, name in enumerate(names):
        refused = host.unavailable_reason(f"cuda:{number}")
        action = "install a CUDA build of torch: https://pytorch.org/get-started/locally/" if refused else ""
        yield Finding("devices", f"cuda:{number}", "absent" if refused else "fine", refused or name, action)
    if not names:
        yield Finding("devices", "cuda", "absent", f"no NVIDIA GPU found (torch {built or 'is not installed'})")


def _kernels() -> Iterator[Finding]:
    """Find the formats that have kernels here; the others are unpacked, which costs memory and speed but no accuracy."""
    from pytest_unicomp.engine.runtimes.kernels import Format, unavailable_reason

    usable = [f"cuda:{number}" for number in range(len(host.accelerators())) if host.unavailable_reason(f"cuda:{number}") is None]
    for device in ["cpu", *usable]:
        for form in get_args(Format):
            refused = unavailable_reason(form, device)
            yield Finding("kernels", f"{form} on {device}", "absent" if refused else "fine", refused or "computed as stored")


def _formats() -> Iterator[Finding]:
    """Report which formats of checkpoints can be evaluated here, and what to type for the others."""
    for form in FORMATS.values():
        lacking = form.support == "serve" or (form.support == "extra" and bool(missing_libraries([form.module])))
        found = {"here": "evaluated as it is", "converted": "converted, then evaluated", "serve": "not evaluated here: serve it"}
        extra = f"{form.package} is not installed" if lacking else f"evaluated with {form.package}"
        action = "" if not lacking else form.action if form.support == "serve" else f"pip install {form.package}"
        yield Finding("formats", form.title, "absent" if lacking else "fine", found.get(form.support, extra), action)


def _recipes(table: Table[Method]) -> Iterator[Finding]:
    lacking = {name: missing for name, method in table.items() if (missing := missing_libraries(method.requires))}
    able = len(table) - len(lacking)
    yield Finding("recipes", "recipes", "fine", f"{able} of {len(table)} can be made with what is installed")
    for name, missing in lacking.items():
        yield Finding("recipes", name, "absent", f"needs {', '.join(missing)}", f"pip install {' '.join(missing)}")


def _hub(ask: bool) -> Iterator[Finding]:
    """Report how the hub would be reached; connects to it only if `ask` is True."""
    address = os.environ.get("HF_ENDPOINT") or HUB
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
        yield Finding(
            "hub", address, "absent", "switched off by HF_HUB_OFFLINE", "unset HF_HUB_OFFLINE, or use --unicomp-bundle (unicomp prefetch)"
        )
        return
    if not ask:
        yield Finding("hub", address, "fine", "allowed; not contacted (`unicomp doctor --ask-hub` does)")
        return
    import httpx

    try:
        yield Finding("hub", address, "fine", f"answers with {httpx.head(address, timeout=10).status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        why = one_line(error)
        yield Finding(
            "hub", address, "absent", f"does not answer: {why}", "work offline: run unicomp prefetch elsewhere, then use --unicomp-bundle"
        )


def _disk(store: Store) -> Iterator[Finding]:
    folder = store.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    used = sum(file.stat().st_size for file in store.root.rglob("*") if file.is_file()) if store.root.is_dir() else 0
    writable = os.access(folder, os.W_OK | os.X_OK)
    yield Finding(
        "disk",
        f"store {store.root}",
        "fine" if writable else "broken",
        f"{used / 1e9:.2f} GB used" if writable else "not writable",
        "" if writable else "choose another folder: --unicomp-cache=DIR",
    )
    little = free < LITTLE_DISK
    action = "unicomp cache prune, or --unicomp-cache on another disk" if little else ""
    yield Finding("disk", "free", "absent" if little else "fine", f"{free / 1e9:.1f} GB", action)


def _package() -> Iterator[Finding]:
    """Check that the embedded model and its baselines are where the package expects them."""
    there = (hub.NANO / "model.safetensors").is_file()
    action = "" if there else f"install {DISTRIBUTION} again"
    yield Finding("package", "nano", "fine" if there else "broken", "the embedded model" if there else "its weights are missing", action)
    kept = len(list(Path(baselines.packaged()).glob("*/*/*.json")))
    yield Finding("package", "baselines", "fine" if kept else "broken", f"{kept} files of stored evidence", "" if kept else action)
