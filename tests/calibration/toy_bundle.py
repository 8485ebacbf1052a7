"""Writes made-up datasets in hub layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def write(file: Path, rows: Sequence[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def card(folder: Path, configuration: str, split: str = "train") -> None:
    files = f"data_files:\n  - split: {split}\n    path: {configuration}/{split}.jsonl"
    (folder / "README.md").write_text(f"---\nconfigs:\n- config_name: {configuration}\n  {files}\n---\n")
