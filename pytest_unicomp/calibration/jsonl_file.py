"""The user's own calibration text: FILE.jsonl, one object per line with "text", "messages" or "prompt"."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.calibration.protocol import Documents, Request, Text

KEYS = ("text", "prompt", "messages")


@dataclass(frozen=True)
class JsonlFile:
    """Lines of a file: `text` as it is, `messages` (role, content), or `prompt` (one user turn)."""

    file: Path

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem if the file is missing or empty, or if a line has another form (the message names the line)."""
        self._rows()

    def documents(self, request: Request) -> Documents:
        """Return all lines in an order drawn by seed."""
        rows = self._rows()
        random.Random(request.seed).shuffle(rows)
        return Documents(_text(row) for row in rows)

    def _rows(self) -> list[dict[str, Any]]:
        try:
            lines = self.file.read_text(encoding="utf-8").split("\n")  # not splitlines: JSON strings may hold other line separators
        except (OSError, UnicodeDecodeError) as error:
            raise UsageProblem(
                f"unicomp: calibration file {self.file} cannot be read ({error}); give an existing UTF-8 FILE.jsonl."
            ) from error
        rows = [_parse(self.file, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
        if not rows:
            raise UsageProblem(f'unicomp: calibration file {self.file} is empty; expected lines such as {{"text": "..."}}.')
        return rows


def _parse(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise UsageProblem(
            f"unicomp: line {number} of calibration file {file} is not JSON ({error}); expected one object per line."
        ) from error
    given = [key for key in KEYS if isinstance(row, dict) and row.get(key) not in (None, "", [])]
    if len(given) > 1:
        raise UsageProblem(f"unicomp: line {number} of calibration file {file} holds {' and '.join(given)}; expected one of them.")
    if not given or not _is_usable(row[given[0]], given[0]):
        near = next((near for key in (row if isinstance(row, dict) else ()) if key not in KEYS and (near := nearest(str(key), KEYS))), "")
        raise UsageProblem(
            f'unicomp: line {number} of calibration file {file} holds no "text", "prompt" or "messages" (a list of role and content) with '
            f"words in it; add one of them or drop the line.{near}"
        )
    return dict(row)


def _is_usable(value: Any, key: str) -> bool:
    return _is_dialogue(value) if key == "messages" else isinstance(value, str) and value.strip() != ""


def _is_dialogue(messages: Any) -> bool:
    if not isinstance(messages, list) or not messages:
        return False
    formed = all(isinstance(turn, dict) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str) for turn in messages)
    return formed and any(turn["content"].strip() for turn in messages)


def _text(row: dict[str, Any]) -> Text:
    if row.get("text"):
        return str(row["text"])
    return tuple(row.get("messages") or [{"role": "user", "content": row["prompt"]}])
