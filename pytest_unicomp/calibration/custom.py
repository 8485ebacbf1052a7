"""The user's own calibration text: FILE.jsonl, one object per line with "text", "messages" or "prompt"."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_unicomp.calibration.request import Documents, Request, chat
from pytest_unicomp.errors import UsageProblem


@dataclass(frozen=True)
class Custom:
    """Lines of a file: `text` as it is, `messages` (role, content) and `prompt` (one user turn) in the chat template."""

    file: Path

    def validate(self, bundle: Path | None) -> None:
        """Raise UsageProblem where the file is missing or empty, or a line is not of the form above (names the line)."""
        self._rows()

    def documents(self, request: Request) -> Documents:
        """Return lines drawn by seed without replacement, or all of them in file order where there are not more than asked for."""
        rows = self._rows()
        if len(rows) > request.count:
            rows = random.Random(request.seed).sample(rows, request.count)
        return Documents(tuple(_render(row, request.tokenizer) for row in rows))

    def _rows(self) -> list[dict[str, Any]]:
        try:
            lines = self.file.read_text(encoding="utf-8").splitlines()
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
    usable = isinstance(row, dict) and (
        (isinstance(row.get("text"), str) and row["text"].strip() != "")
        or (isinstance(row.get("prompt"), str) and row["prompt"].strip() != "")
        or _is_dialogue(row.get("messages"))
    )
    if not usable:
        raise UsageProblem(
            f'unicomp: line {number} of calibration file {file} holds no "text", "prompt" or "messages" (a list of role and content); '
            "add one of them or drop the line."
        )
    return dict(row)


def _is_dialogue(messages: Any) -> bool:
    if not isinstance(messages, list) or not messages:
        return False
    return all(isinstance(turn, dict) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str) for turn in messages)


def _render(row: dict[str, Any], tokenizer: Any) -> str:
    if row.get("text"):
        return str(row["text"])
    return chat(tokenizer, row.get("messages") or [{"role": "user", "content": row["prompt"]}])
