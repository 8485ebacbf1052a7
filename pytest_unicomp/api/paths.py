"""Paths as a user types them."""

from __future__ import annotations

import os
from pathlib import Path


def typed(name: str | Path) -> Path:
    """Return the path with `~` and `~user` expanded; an unknown user's `~user` stays as typed."""
    return Path(os.path.expanduser(name))
