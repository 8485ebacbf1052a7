"""A hook of the site's build: lists every note of docs/decisions/ in the navigation, so that a new one needs no edit elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def on_config(config: Any) -> Any:
    """Put the notes, in the order of their names, under the empty heading Decisions."""
    folder = Path(config["docs_dir"])
    notes = [str(path.relative_to(folder)) for path in sorted((folder / "decisions").glob("*.md"))]
    for entry in config["nav"]:
        if "Decisions" in entry and not isinstance(entry, str):
            entry["Decisions"] = notes
    return config
