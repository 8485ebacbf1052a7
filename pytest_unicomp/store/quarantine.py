"""Quarantine of the store: damaged entries are moved to a separate folder and never deleted, so that the damage can be examined."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

KIND = "quarantine"
REASON = "reason.txt"
LINES = "lines"


def set_aside(root: Path, kind: str, key: str, path: Path, reason: str) -> str:
    """Move a damaged entry to `quarantine` and return the line that reports it; if the store is read-only, the entry stays."""
    target = root / KIND / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
    where = "and stays where it is, since it cannot be moved"
    with suppress(OSError):
        target.mkdir(parents=True)
        (target / REASON).write_text(f"{kind}/{key}: {reason}\n", encoding="utf-8")
        path.rename(target / path.name)
        where = f"and was moved to {target}"
    return f"unicomp: the stored {kind}/{key} is damaged ({reason}) {where}; it is not used, and made again if needed."


def set_lines_aside(root: Path, kind: str, key: str, lines: Sequence[bytes]) -> str:
    """Copy damaged lines of a file of lines to `quarantine` and return the line that reports them."""
    target = root / KIND / f"{kind}-{key}-{uuid.uuid4().hex[:8]}"
    found = (
        f"{len(lines)} {'line is' if len(lines) == 1 else 'lines are'} damaged (the content differs from its digest, or belongs elsewhere)"
    )
    where = "and could not be kept"
    with suppress(OSError):
        target.mkdir(parents=True)
        (target / REASON).write_text(f"{kind}/{key}: {found}\n", encoding="utf-8")
        (target / LINES).write_bytes(b"".join(line + b"\n" for line in lines))
        where = f"and {'was' if len(lines) == 1 else 'were'} copied to {target}"
    return f"unicomp: of the stored {kind}/{key} {found} {where}; what they answered is measured again."
