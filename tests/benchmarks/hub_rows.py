"""Data sets made here in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def rows(bundle: Path, place: str, *found: dict[str, Any]) -> None:
    """Write rows of a data set in the hub's layout: <org>/<name>/<configuration>/<split>.jsonl, which its README lists."""
    path = bundle / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    folder = path.parent.parent
    configurations = [
        {
            "config_name": one.name,
            "data_files": [{"split": file.stem, "path": f"{one.name}/{file.name}"} for file in sorted(one.glob("*.jsonl"))],
        }
        for one in sorted(folder.iterdir())
        if one.is_dir()
    ]
    (folder / "README.md").write_text(f"---\n{json.dumps({'configs': configurations})}\n---\n", encoding="utf-8")
