"""Paths as a user types them."""

from __future__ import annotations

import os
from pathlib import Path


def typed(name: str | Path) -> Path:
    """Return the path that a user means, `~` and `~user` replaced; a home that is not known stays as it is typed."""
    return Path(os.path.expanduser(name))
