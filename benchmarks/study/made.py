"""Keeps what making each recipe took, one JSON line per recipe; its scores are kept as baselines."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from pytest_unicomp.api.records import Artifact


class Made(BaseModel, frozen=True):
    """One recipe, made of the study's model, or `refused` with the reason.

    `artifact` is without its path on the machine that made it; `load` the machine's load average when it ended, since others may have used its cores.
    """

    recipe: str
    artifact: Artifact | None = None
    refused: str = ""
    machine: str = ""
    load: float = 0.0
    created: str = ""


def file_in(folder: Path, model: str) -> Path:
    """Return the file of a model's recipes, beside the folders of its baselines."""
    return folder / model / "recipes.jsonl"


def read(path: Path) -> dict[str, Made]:
    """Return the recipes by name in the order in which they were made, each as it was kept last; a last line that was cut is left out."""
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return {made.recipe: made for made in map(Made.model_validate_json, filter(None, lines))}


def keep(made: Made, path: Path) -> None:
    """Add one recipe at the end of the file, to which several processes may write; a line that was cut there is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        path.write_text("".join(f"{kept.model_dump_json()}\n" for kept in read(path).values()), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{made.model_dump_json()}\n")
