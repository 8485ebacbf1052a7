"""Reads the configuration of a model by its name, before the model is there: of a folder, a GGUF file, or config.json alone from the hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from pytest_unicomp.checkpoints import gguf, hub
from pytest_unicomp.checkpoints.config_json import NAME, read_config
from pytest_unicomp.checkpoints.hub_access import PATIENCE
from pytest_unicomp.checkpoints.hub_errors import offline


def configuration(source: Path) -> dict[str, Any]:
    """Return the configuration of a checkpoint folder, or of the model in a GGUF file."""
    if gguf.is_gguf(source):
        return gguf.config(gguf.read(source))
    config: dict[str, Any] = read_config(source)
    return config


def find(name: str, bundle: Path | None) -> dict[str, Any] | None:
    """Return the configuration of the model `name`; None if it cannot be had now.

    For a model that has yet to be fetched, config.json alone is read from the hub. None is returned for GGUF files that have yet to be
    fetched, without a network, and for a model that the hub does not give: fetching the model itself reports why.
    """
    folder = hub.local(name, bundle)
    if folder is not None:
        return configuration(folder)
    if bundle is not None or gguf.is_gguf(name) or offline():
        return None
    with tempfile.TemporaryDirectory() as place:
        return _fetched(name, Path(place))


def _fetched(name: str, place: Path) -> dict[str, Any] | None:
    import httpx
    from huggingface_hub import errors, hf_hub_download

    wanted = hub.repository(name)
    try:
        # Not into the client's cache: a model of which that holds a file counts as fetched.
        hf_hub_download(wanted.name, NAME, revision=wanted.revision, local_dir=place, etag_timeout=PATIENCE)
    # The hub does not answer, or does not give the model: fetching it asks again, and reports which.
    except (errors.HfHubHTTPError, errors.HFValidationError, httpx.HTTPError, OSError):
        return None
    return configuration(place)
