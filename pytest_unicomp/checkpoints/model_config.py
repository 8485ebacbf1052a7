"""Reads the configuration of a model by its name, before the model is there: of a folder, a GGUF file, or config.json alone from the hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints import gguf, hub
from pytest_unicomp.checkpoints.config_json import NAME, read_config
from pytest_unicomp.checkpoints.hub_access import PATIENCE, ask
from pytest_unicomp.checkpoints.hub_errors import explained


def configuration(source: Path) -> dict[str, Any]:
    """Return the configuration of a checkpoint folder, or of the model in a GGUF file."""
    if gguf.is_gguf(source):
        return gguf.config(gguf.read(source))
    config: dict[str, Any] = read_config(source)
    return config


def find(name: str, bundle: Path | None) -> dict[str, Any] | None:
    """Return the configuration of the model `name` if it is on this machine or in the cache of the hub's client, else None; asks no hub."""
    folder = hub.local(name, bundle)
    if folder is not None:
        return configuration(folder)
    if not _is_on_hub(name, bundle):
        return None
    from huggingface_hub import try_to_load_from_cache

    wanted = hub.repository(name)
    kept = try_to_load_from_cache(wanted.name, NAME, revision=wanted.revision)
    return configuration(Path(kept).parent) if isinstance(kept, str) else None


def fetch(name: str, bundle: Path | None) -> dict[str, Any] | None:
    """Return the configuration of a model that is on the hub, whose config.json alone is read; None for a bundle's model and a GGUF file.

    Raises UnicompError, within seconds and after one question, if the hub does not give it.
    """
    if not _is_on_hub(name, bundle):
        return None
    from huggingface_hub import hf_hub_download

    wanted = hub.repository(name)
    ask([wanted])
    with tempfile.TemporaryDirectory() as place:
        try:
            # Not into the client's cache: a model of which that holds a file counts as fetched.
            hf_hub_download(wanted.name, NAME, revision=wanted.revision, local_dir=place, etag_timeout=PATIENCE)
        # Whatever the client raises: the chain of causes says which it is.
        except Exception as error:
            raise explained(str(wanted), error) from error
        return configuration(Path(place))


def _is_on_hub(name: str, bundle: Path | None) -> bool:
    return bundle is None and not gguf.is_gguf(name)
