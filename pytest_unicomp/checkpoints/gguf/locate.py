"""Finds the GGUF file that a name means: a path, a folder that holds one, or a file of a hub repository (`org/name/model-Q4_K_M.gguf`)."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.paths import typed
from pytest_unicomp.checkpoints.hub_errors import explained

SUFFIX = ".gguf"
# A repository of the hub and a file in it, at most one folder deep, as repositories with many quantizations lay them out.
HUB_FILE = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)/((?:[\w.-]+/)?[\w.-]+\.gguf)", re.IGNORECASE)


def is_gguf(name: str | Path) -> bool:
    """Return True if a name is that of a GGUF file."""
    return str(name).lower().endswith(SUFFIX)


def in_folder(folder: Path) -> Path | None:
    """Return the GGUF file of a folder that holds no other model, or None if it holds none.

    Raises UsageProblem for a folder with several, and for one with a GGUF file beside another checkpoint: which of them is meant is not a
    thing to guess.
    """
    found = sorted(path for path in folder.iterdir() if is_gguf(path) and path.is_file())
    if not found:
        return None
    others = sorted(path.name for pattern in ("*.safetensors", "config.json") for path in folder.glob(pattern))
    if others:
        raise UsageProblem(
            f"unicomp: {folder} holds two formats, {found[0].name} and {others[0]}; expected one: give the file {found[0]}, "
            "or move it out of the folder."
        )
    if len(found) > 1:
        raise UsageProblem(f"unicomp: {folder} holds {len(found)} GGUF files; expected one: give the file, for instance {found[0]}.")
    return found[0]


def local(name: str, bundle: Path | None) -> Path | None:
    """Return the file that the name of a GGUF file means if it is on this machine, by path or bundle, else None."""
    path = typed(name)
    if path.is_file():
        return path.resolve()
    if bundle is not None and HUB_FILE.fullmatch(name) and (bundle / name).is_file():
        return (bundle / name).resolve()
    return None


def require_findable(name: str, bundle: Path | None) -> None:
    """Raise UsageProblem if the name of a GGUF file that is not on this machine cannot be fetched."""
    if not HUB_FILE.fullmatch(name):
        raise UsageProblem(f"unicomp: the GGUF file {name} does not exist; give an existing file, or one of the hub: org/name/FILE.gguf.")
    if bundle is not None:
        raise UsageProblem(
            f"unicomp: the bundle has no file {name}: {bundle / name} does not exist, and with a bundle nothing is fetched; "
            "put the file there, or leave out --unicomp-bundle."
        )


def repository(name: str) -> tuple[str, str | None]:
    """Return the repository of the hub that a name means, and the GGUF file in it, None if the name means all of it."""
    parts = HUB_FILE.fullmatch(name)
    return (name, None) if parts is None else (parts[1], parts[2])


def fetch(name: str) -> Path:
    """Return a file of the hub, fetched if it is not in the cache; raise UnicompError if that fails."""
    from huggingface_hub import hf_hub_download

    repo, file = repository(name)
    try:
        return Path(hf_hub_download(repo, str(file)))
    # Whatever the client raises: the chain of causes says which it is.
    except Exception as error:
        raise explained(f"the file {name}", error) from error
