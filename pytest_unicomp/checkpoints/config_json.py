"""Reads the config.json of an untrusted folder, and refuses invalid files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import ForeignFile, read_object, require_regular
from pytest_unicomp.checkpoints.lfs_pointer import MEANING, is_pointer

NAME = "config.json"
# Parts that are read by name, each an object if it is there.
OBJECTS = ("quantization_config", "text_config", "sparsity_config", "rope_parameters")
# What code that reads a configuration raises if a value is of another kind than it should be.
MALFORMED = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError)
READ = (".safetensors", ".json", ".jinja", ".model", ".gguf", ".tiktoken", ".txt")


def read_config(folder: Path) -> dict[str, Any]:
    """Return config.json of a checkpoint; raise UsageProblem, in one line, for a file that is none."""
    file = folder / NAME
    if is_pointer(file):
        raise UsageProblem(f"unicomp: {file} is {MEANING}.")
    found = read_object(file, infinite=True)
    for name in OBJECTS:
        if not isinstance(found.get(name, {}), dict | None):
            raise ForeignFile(file, f"holds {name} that is no object", 'an object, "{...}", or null')
    return found


@contextmanager
def understood(folder: Path) -> Iterator[None]:
    """Raise ForeignFile if the block meets values of another kind than a configuration holds: a list in place of an object, a text for a number."""
    try:
        yield
    except MALFORMED as error:
        raise ForeignFile(
            folder / NAME,
            f"states its quantization in a way that cannot be read ({type(error).__name__}: {error})",
            "what save_pretrained writes",
        ) from error


def require_regular_files(folder: Path) -> None:
    """Raise ForeignFile if something in the folder that would be read is no regular file: opening a pipe or a device may never return."""
    for entry in sorted(folder.iterdir()):
        # A link to nothing is a missing file, which is reported as such.
        if entry.exists() and (entry.suffix in READ or not entry.is_dir()):
            require_regular(entry)
