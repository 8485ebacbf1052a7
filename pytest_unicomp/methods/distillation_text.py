"""Turn calibration text into equal rows for distillation: whole documents side by side, each hidden from the others, replies marked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.protocols import Calibration
from pytest_unicomp.methods.source import load_tokenizer
from pytest_unicomp.methods.tokens import encode

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

OPEN_ROWS = 16
# Rows of whole documents are not filled to the last token.
SPARE = 1.05


@dataclass(frozen=True)
class Row:
    """Token ids of one row; for each its place in its own document, True if the token after it is learned, and True if it is text at all.

    Positions restart at every document: transformers' attention then keeps documents apart (masking_utils.find_packed_sequence_indices).
    Padding has place 0 and is neither learned nor text.
    """

    tokens: list[int]
    places: list[int]
    learned: list[bool]
    text: list[bool]


@dataclass(frozen=True)
class Text:
    """Rows to train on, and what the artifact says of them."""

    rows: tuple[Row, ...]
    record: dict[str, Any]


def enlarged(source: Path, calibration: Calibration | None, *, recipe: str, rows: int, length: int, samples: int) -> Calibration:
    """Return calibration text that fills `rows` rows of `length` tokens, so that no step sees a text twice, or all that the mixture holds.

    `samples` asks for that many samples of the mixture instead (0: as many as fill the rows). Raises UnicompError as `encode` does.
    """
    documents = encode(source, calibration, recipe=recipe)
    assert calibration is not None
    needed = rows * length * SPARE
    held = sum(document.shape[1] for document in documents)
    if calibration.more is not None and (samples or held < needed):
        calibration = calibration.more(samples or math.ceil(needed / calibration.tokens))
    return replace(calibration, more=None)


def prepare(source: Path, calibration: Calibration | None, *, recipe: str, length: int, replies: bool) -> Text:
    """Return the calibration text as rows of `length` tokens. With `replies`, only replies are learned in documents that follow the
    tokenizer's chat template, and every token in all others. Raises UnicompError as `encode` does.
    """
    documents = encode(source, calibration, recipe=recipe)
    assert calibration is not None
    opening, ends = _reply_marks(source) if replies else ([], set())
    marks = [learned(document[0].tolist(), opening, ends) for document in documents]
    packed = pack(documents, marks, length, min(ends_of(source), default=0))
    record = {
        "mixture": calibration.record.mixture,
        "samples": len(calibration.texts),
        "documents": len(documents),
        "rows": len(packed),
        "row_tokens": length,
        "tokens": sum(sum(row.text) for row in packed),
        "learned_tokens": sum(sum(row.learned) for row in packed),
    }
    return Text(tuple(packed), record)


def pack(documents: Sequence[torch.Tensor], marks: Sequence[Sequence[bool]], length: int, padding: int) -> list[Row]:
    """Put documents (1 x tokens each) whole into the first of the last 16 rows with room; longer ones are cut into pieces of `length`."""
    rows: list[Row] = []
    for document, mark in zip(documents, marks, strict=True):
        ids = document[0].tolist()
        for start in range(0, len(ids), length):
            piece, learns = ids[start : start + length], list(mark[start : start + length])
            # The last token of a piece predicts nothing: what follows it is another text.
            learns[-1] = False
            if len(piece) == 1:
                continue
            row = next((row for row in rows[-OPEN_ROWS:] if len(row.tokens) + len(piece) <= length), None)
            if row is None:
                row = Row([], [], [], [])
                rows.append(row)
            row.tokens.extend(piece)
            row.places.extend(range(len(piece)))
            row.learned.extend(learns)
            row.text.extend([True] * len(piece))
    for row in rows:
        missing = length - len(row.tokens)
        row.tokens.extend([padding] * missing)
        row.places.extend([0] * missing)
        row.learned.extend([False] * missing)
        row.text.extend([False] * missing)
    return rows


def learned(ids: Sequence[int], opening: Sequence[int], ends: set[int]) -> list[bool]:
    """Return for each token True if the one after it is learned: inside a reply, that is after `opening` to the next of `ends` inclusive.

    A document without `opening` is plain text, of which all is learned. The last token predicts nothing.
    """
    size, found = len(opening), [False] * len(ids)
    starts = [at + size for at in range(len(ids) - size + 1) if list(ids[at : at + size]) == list(opening)] if size else []
    if not starts:
        return [True] * (len(ids) - 1) + [False]
    for start in starts:
        for at in range(start, len(ids)):
            found[at - 1] = True
            if ids[at] in ends:
                break
    return found


def ends_of(source: Path) -> set[int]:
    """Return the ids at which generation ends, from generation_config.json and config.json."""
    found: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        file = source / name
        values: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        ends = values.get("eos_token_id")
        found |= set(ends) if isinstance(ends, list) else {ends} if isinstance(ends, int) else set()
    return found


def _reply_marks(source: Path) -> tuple[list[int], set[int]]:
    """Return the ids with which the chat template opens a reply (empty: it has none) and the ids that end one."""
    tokenizer: PreTrainedTokenizerBase = load_tokenizer(source)
    if not getattr(tokenizer, "chat_template", None):
        return [], set()
    from jinja2 import TemplateError

    turn = [{"role": "user", "content": "x"}]
    try:
        closed = str(tokenizer.apply_chat_template(turn, tokenize=False))
        opened = str(tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
    except TemplateError:
        return [], set()
    if not opened.startswith(closed):
        return [], set()
    opening: list[int] = tokenizer(opened[len(closed) :], add_special_tokens=False)["input_ids"]
    return opening, ends_of(source)
