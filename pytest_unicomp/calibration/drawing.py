"""Draw one mixture's part of the calibration text, without texts that contain an evaluation question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import ItemText
from pytest_unicomp.calibration import blocks, leakage, nano
from pytest_unicomp.calibration.amount import Amount
from pytest_unicomp.calibration.blocks import Block
from pytest_unicomp.calibration.chat_text import plain
from pytest_unicomp.calibration.leakage import Leak
from pytest_unicomp.calibration.protocol import Documents, Mixture, Request

SHOWN = 3
WORDS_SHOWN = 100
ROUNDS = 10


@dataclass(frozen=True)
class Part:
    """The blocks of one mixture, remarks on them for the report, and how many texts were left out."""

    blocks: tuple[Block, ...]
    remarks: tuple[str, ...]
    left_out: int = 0


def part(whole: Amount, place: int, shares: Sequence[float]) -> Amount:
    """Return the share at `place`; samples are split by largest remainder, so that the parts add up to the whole."""
    counts = [math.floor(share * whole.samples) for share in shares]
    order = sorted(range(len(shares)), key=lambda index: counts[index] - shares[index] * whole.samples)
    for index in order[: whole.samples - sum(counts)]:
        counts[index] += 1
    return replace(whole, samples=counts[place])


def draw(
    name: str, entry: Mixture, request: Request, wanted: Amount, model_name: str, asked: Sequence[tuple[str, Sequence[ItemText]]]
) -> Part:
    """Return the blocks of one mixture in the wanted amount, or as many as it holds.

    Raises UsageProblem if the user's own file gives questions away; a named mixture leaves such texts out and draws others.
    """
    left_out: dict[str, Leak] = {}
    for _ in range(ROUNDS):
        documents = nano.documents(name, request) if _of_the_world(name, model_name) else entry.documents(request)
        drawn = _cut(documents, left_out, wanted, request, packed=model_name != "nano")
        sources = [source for block in drawn for source in block.sources]
        found = leakage.find(sources, asked)
        if not found.leaks:
            return Part(drawn, tuple(_remarks(name, documents, left_out, drawn, wanted)), len(left_out))
        if name.endswith(".jsonl"):
            raise UsageProblem(_refusal(name, found.leaks))
        left_out |= {sources[leak.text]: leak for leak in found.leaks}
    raise UsageProblem(_refusal(name, tuple(left_out.values())))


def _of_the_world(name: str, model_name: str) -> bool:
    return model_name == "nano" and name in nano.KINDS


def _cut(documents: Documents, left_out: dict[str, Leak], wanted: Amount, request: Request, *, packed: bool) -> tuple[Block, ...]:
    texts = (text for text in documents.texts if (words := plain(text).strip()) and words not in left_out and plain(text) not in left_out)
    if wanted.form == "own":
        return tuple(blocks.as_they_are(texts, wanted.samples, wanted.tokens, request.tokenizer))
    if packed:
        return tuple(blocks.filled(texts, wanted.samples, wanted.tokens, request.tokenizer))
    # In training the embedded model saw each conversation alone: joined ones are inputs that it never gets.
    return tuple(blocks.one_by_one(texts, wanted.budget, wanted.tokens, request.tokenizer))


def _remarks(name: str, documents: Documents, left_out: dict[str, Leak], drawn: Sequence[Block], wanted: Amount) -> list[str]:
    remarks = [f"{name} {documents.remark}"] if documents.remark else []
    if left_out:
        benchmarks = ", ".join(sorted({leak.benchmark for leak in left_out.values()}))
        texts = "1 text that shares" if len(left_out) == 1 else f"{len(left_out)} texts that share"
        remarks.append(f"{name} without {texts} {leakage.WORDS} words in a row with questions of {benchmarks}")
    seen = sum(block.tokens for block in drawn)
    if wanted.form == "equal" and seen < wanted.budget - wanted.tokens:
        remarks.append(f"{name} holds {seen} of the {wanted.budget} requested tokens")
    return remarks


def _refusal(name: str, leaks: Sequence[Leak]) -> str:
    shown = "; ".join(f'{leak.benchmark} {leak.id}: "{_cut_words(leak.words)}"' for leak in leaks[:SHOWN])
    more = f"; and {len(leaks) - SHOWN} more" if len(leaks) > SHOWN else ""
    benchmarks = ", ".join(dict.fromkeys(leak.benchmark for leak in leaks))
    return (
        f"unicomp: calibration {name!r} gives away {len(leaks)} questions of this run ({leakage.WORDS} or more words in a row): "
        f"{shown}{more}; take those texts out, calibrate on others, or leave out the benchmarks {benchmarks}."
    )


def _cut_words(words: str) -> str:
    return words if len(words) <= WORDS_SHOWN else f"{words[:WORDS_SHOWN]}…"
