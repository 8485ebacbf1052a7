"""Digests of files; each file is hashed once, and again only after a change."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pytest_unicomp.api.foreign import require_regular

# Device, inode, bytes, time of change of the content and time of change of the inode.
_Stamp = tuple[int, int, int, int, int]


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, 64 hex digits."""
    if path.exists():
        require_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class FileDigests:
    """File digests of one run: a file is hashed at first use, and again only if its inode has changed since.

    Times that a program can set do not hide a change: the inode's own time (`st_ctime`) moves with every write. Windows has no such time, so a
    change within one run that keeps size and time is not seen there; the next run hashes every file anew.
    """

    def __init__(self) -> None:
        """Start with no file."""
        self._known: dict[Path, tuple[_Stamp, str]] = {}

    def of(self, path: Path) -> str:
        """Return the sha256 of a file, 64 hex digits; raise OSError if it cannot be read."""
        stamp = _stamp(path)
        known = self._known.get(path)
        if known is not None and known[0] == stamp:
            return known[1]
        found = file_digest(path)
        if _stamp(path) == stamp:
            self._known[path] = (stamp, found)
        return found


def _stamp(path: Path) -> _Stamp:
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
