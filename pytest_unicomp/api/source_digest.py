"""Digests of source code: results made by older code are not reused, since the code's digest is part of their key in the store."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from pytest_unicomp.api.errors import InfrastructureError


def file_digest(path: str | Path) -> str:
    """Return 16 hex digits over one source file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def files_digest(files: Iterable[Path], what: str) -> str:
    """Return 16 hex digits over the content of files, in the given order.

    Raise InfrastructureError if there are none: the digest of nothing never changes, so stale results of `what` would be reused.
    """
    contents = [path.read_bytes() for path in files]
    if not contents:
        raise InfrastructureError(f"unicomp: no source files of {what} were found; expected at least one. Install the package again.")
    return hashlib.sha256(b"".join(contents)).hexdigest()[:16]


@cache
def package_digest(*packages: str) -> str:
    """Return a digest (16 hex digits) of the modules directly in each package, given by full name ("pytest_unicomp.engine").

    Raise InfrastructureError if one of them cannot be found or holds no module besides an empty one.
    """
    return hashlib.sha256("".join(files_digest(_modules(name), name) for name in packages).encode()).hexdigest()[:16]


def _modules(package: str) -> list[Path]:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:
        spec = None
    folders = [] if spec is None or spec.submodule_search_locations is None else spec.submodule_search_locations
    return [path for folder in folders for path in sorted(Path(folder).glob("*.py")) if path.stat().st_size]


def source_digest(entry: object) -> str:
    """Return 16 hex digits over the code behind a class, or an entry's class: its module and those of its base classes, each with the modules
    beside it in the same package. The standard library is left out; "unknown" if the class is in no file."""
    kind = entry if isinstance(entry, type) else type(entry)
    bases = [base for base in kind.__mro__ if base.__module__.partition(".")[0] not in sys.stdlib_module_names]
    files = dict.fromkeys(path for base in bases for path in _files_behind(base))
    return files_digest(files, kind.__module__) if _files_behind(kind) else "unknown"


def _files_behind(kind: type) -> list[Path]:
    module = sys.modules[kind.__module__]
    if not module.__file__:
        return []
    path = Path(module.__file__)
    return sorted(path.parent.glob("*.py")) if module.__package__ else [path]
