"""Git LFS pointers: the three lines of text that a clone without `git lfs` has in place of a large file."""

from __future__ import annotations

from pathlib import Path

# https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
BEGINNING = b"version https://git-lfs.github.com/spec/"
LONGEST = 1024
MEANING = "a Git LFS pointer, not the file itself: run `git lfs pull` in its repository or download it again"


def is_pointer(file: Path) -> bool:
    """Return True if the file is a Git LFS pointer; False too if there is no such file."""
    if not file.is_file() or file.stat().st_size > LONGEST:
        return False
    with file.open("rb") as stream:
        return stream.read(len(BEGINNING)) == BEGINNING
