"""Refuses a tokenizer.json whose rules make a text many times longer: a chain of replacements that each write ten characters for one takes all memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.foreign import LARGEST_TOKENIZER, read_object

FILE = "tokenizer.json"
# Published tokenizers replace a character by one, or a tab by a few blanks.
MOST_GROWTH = 64
# Tokens that are put around every text.
MOST_AROUND = 64
PARTS = ("normalizer", "pre_tokenizer", "decoder")


def require_bounded(folder: Path) -> None:
    """Raise UsageProblem if the tokenizer.json of a checkpoint can make a text more than MOST_GROWTH times as long, or is no JSON."""
    file = folder / FILE
    if not file.is_file():
        return
    stated = read_object(file, LARGEST_TOKENIZER)
    for part in PARTS:
        factor = 1.0
        for step in _steps(stated.get(part)):
            factor *= _growth(step)
        if factor > MOST_GROWTH:
            raise UsageProblem(
                f"unicomp: the {part} in {file} can make a text {factor:.3g} times as long; expected at most {MOST_GROWTH} times: "
                "such a tokenizer takes all memory and is not loaded."
            )
    for step in _steps(stated.get("post_processor")):
        around = step.get("single")
        if isinstance(around, list) and len(around) > MOST_AROUND:
            raise UsageProblem(f"unicomp: {file} puts {len(around)} tokens around each text; expected at most {MOST_AROUND}.")


def _steps(part: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the rules of a part, those of sequences inside it too; how deep they may lie is limited where the file is read."""
    if not isinstance(part, Mapping):
        return
    yield part
    for name in ("normalizers", "pretokenizers", "decoders", "processors"):
        inner = part.get(name)
        for step in inner if isinstance(inner, list) else ():
            yield from _steps(step)


def _growth(step: Mapping[str, Any]) -> float:
    """Return by how much one rule can lengthen a text; 1 for all rules but replacements."""
    content, pattern = step.get("content"), step.get("pattern")
    if step.get("type") != "Replace" or not isinstance(content, str):
        return 1.0
    literal = pattern.get("String") if isinstance(pattern, Mapping) else pattern
    shortest = len(literal) if isinstance(literal, str) and literal else 1
    return max(1.0, len(content) / shortest)
