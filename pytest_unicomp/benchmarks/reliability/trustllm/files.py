"""Finds TrustLLM's 24 files: in a bundle (its own layout, `dataset/<dimension>/<file>.json`), or on the hub."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import InfrastructureError, MissingPiece
from pytest_unicomp.checkpoints.hub_errors import explained

REPOSITORY = "TrustLLM/TrustLLM-dataset"
# Possible places of the folder with the six dimensions, relative to the bundle; the last is for a bundle beside other folders.
PLACES = ("TrustLLM/TrustLLM-dataset", "trustllm/dataset", "TrustLLM/dataset", "dataset", "../trustllm/dataset")


def find(bundle: Path, file: str) -> Path | None:
    """Return a file such as "safety/jailbreak.json" in a bundle, or None if it is not there."""
    return next((path for place in PLACES if (path := bundle / place / file).is_file()), None)


def require(file: str, bundle: Path | None) -> None:
    """Raise MissingPiece that names what the bundle lacks; without a bundle nothing is checked."""
    if bundle is not None and find(bundle, file) is None:
        raise MissingPiece(f"TrustLLM's {file}", where=f"{bundle / PLACES[0] / file} or {bundle / PLACES[1] / file}")


def digest(file: str, bundle: Path | None) -> str:
    """Return 16 hex digits of a file's sha256, or "hub:<repository>/<file>" if it comes from the hub."""
    found = None if bundle is None else find(bundle, file)
    return f"hub:{REPOSITORY}/{file}" if found is None else hashlib.sha256(found.read_bytes()).hexdigest()[:16]


def rows(file: str, bundle: Path | None) -> list[dict[str, Any]]:
    """Return a file's rows; fetched if there is no bundle. Raises InfrastructureError for a file that is not a list of prompts."""
    found = _fetched(file) if bundle is None else find(bundle, file)
    if found is None:
        raise InfrastructureError(f"unicomp: TrustLLM's {file} is gone from the bundle {bundle}.")
    return _read(found, hashlib.sha256(found.read_bytes()).hexdigest())


@cache
def _read(path: Path, _content: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InfrastructureError(f"unicomp: {path} cannot be read: {error}; expected TrustLLM's JSON list.") from error
    if not isinstance(found, list) or not all(isinstance(row, dict) and isinstance(row.get("prompt"), str) for row in found):
        raise InfrastructureError(f"unicomp: {path} is not a list of objects with a prompt; expected TrustLLM's own file.")
    return found


def _fetched(file: str) -> Path:
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(REPOSITORY, file, repo_type="dataset"))
    # Whatever the client raises: the chain of causes says which it is.
    except Exception as error:
        raise explained(f"TrustLLM's {file} of the data set {REPOSITORY}", error) from error
