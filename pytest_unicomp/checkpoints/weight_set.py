"""Refuses a model folder before anything runs if its weights are not one set of readable safetensors files."""

from __future__ import annotations

from pathlib import Path

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.checkpoints.lfs_pointer import MEANING, is_pointer
from pytest_unicomp.checkpoints.safetensors_reader import INDEX, WHOLE, weight_files, weight_map

PICKLES = (".bin", ".pt", ".pth", ".ckpt")


def require_one_set(folder: Path, name: str) -> None:
    """Raise UsageProblem, naming the model as the user did, if the folder holds no safetensors weights, two sets of them, an index that
    names no files, or Git LFS pointers in place of files. A GGUF file beside them is refused by `gguf.in_folder`."""
    for file in sorted(folder.iterdir()):
        if is_pointer(file):
            raise UsageProblem(f"unicomp: {file.name} of {name} is {MEANING}.")
    if (folder / WHOLE).is_file() and (folder / INDEX).is_file():
        others = sorted(set(weight_map(folder).values()) - {WHOLE})
        if others:
            raise UsageProblem(
                f"unicomp: {name} holds two sets of weights ({WHOLE}, and {others[0]} by {INDEX}); expected one: delete the other."
            )
    elif (folder / INDEX).is_file():
        weight_map(folder)
    if not any(folder.glob("*.safetensors")) and not (folder / INDEX).is_file():
        found = [file.name for file in sorted(folder.iterdir()) if file.suffix in PICKLES]
        also = f" (found {found[0]}, a pickle, which is never read)" if found else ""
        raise UsageProblem(f"unicomp: {name} holds no *.safetensors weights{also}; safetensors only: convert it and give the new folder.")


def missing_files(folder: Path) -> list[str]:
    """Return the names of the weight files that the index names and that are not there."""
    return [file.name for file in weight_files(folder) if not file.is_file()]
