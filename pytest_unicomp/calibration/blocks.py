"""Cut calibration texts to the requested amount: blocks of equal length, whole conversations, or unchanged texts; tokens are counted as methods do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.calibration.chat_text import in_own_form, plain, user_turn
from pytest_unicomp.calibration.protocol import Text

TRIES = 8
# So many conversations may be too long for the rest of the budget before the search ends.
MISFITS = 20


@dataclass(frozen=True)
class Block:
    """A text for a method, how many tokens of it the method sees, and the plain words of the source's texts in it."""

    text: str
    tokens: int
    sources: tuple[str, ...]


def length(text: str, tokenizer: Any) -> int:
    """Return the number of tokens of a text as methods count them: with the tokenizer's special tokens, unless the chat template wrote them."""
    rendered = bool(tokenizer.bos_token) and text.startswith(str(tokenizer.bos_token))
    return len(tokenizer(text, add_special_tokens=not rendered, verbose=False)["input_ids"])


def as_they_are(texts: Iterable[Text], count: int, tokens: int, tokenizer: Any) -> Iterator[Block]:
    """Yield the first `count` texts unchanged; the method truncates each to `tokens`."""
    for text in islice(texts, count):
        own = in_own_form(text, tokenizer)
        yield Block(own, min(tokens, length(own, tokenizer)), (plain(text),))


def one_by_one(texts: Iterable[Text], budget: int, tokens: int, tokenizer: Any) -> Iterator[Block]:
    """Yield texts unchanged and whole, until the next one does not fit into the remaining `budget` of tokens."""
    misfits = 0
    for block in as_they_are(texts, budget, tokens, tokenizer):
        if block.tokens <= budget:
            budget -= block.tokens
            yield block
        else:
            misfits += 1
        if budget < 2 or misfits > MISFITS:
            return


def filled(texts: Iterable[Text], count: int, tokens: int, tokenizer: Any) -> Iterator[Block]:
    """Yield `count` blocks of exactly `tokens` tokens, each one user turn of as many texts as fit and the beginning of the next.

    If the texts run out, the last block is shorter. Raises UsageProblem if the chat template leaves no room.
    """
    frame = length(user_turn("x", tokenizer), tokenizer) - 1
    if tokens <= frame:
        raise UsageProblem(
            f"unicomp: calibration blocks of {tokens} tokens have no room for text, the chat template takes {frame}; "
            "raise --unicomp-calibration-tokens."
        )
    source = (words for text in texts if (words := plain(text).strip()))
    for _ in range(count):
        parts: list[str] = []
        known = 0
        block: Block | None = None
        for words in source:
            parts.append(words)
            known += len(tokenizer(words, add_special_tokens=False, verbose=False)["input_ids"])
            if known >= tokens - frame:
                block = _fitted(parts, tokens, frame, tokenizer)
                if block.tokens == tokens:
                    break
        if parts:
            yield block or _fitted(parts, tokens, frame, tokenizer)


def _fitted(parts: list[str], tokens: int, frame: int, tokenizer: Any) -> Block:
    """Cut the joined parts so that the rendered turn has `tokens` tokens; if a cut changes the tokens next to it, a method cuts the rest."""
    content = "\n\n".join(parts)
    offsets = tokenizer(content, return_offsets_mapping=True, add_special_tokens=False, verbose=False)["offset_mapping"]
    keep = min(tokens - frame, len(offsets))
    longer: Block | None = None
    for _ in range(TRIES):
        text = user_turn(content[: offsets[keep - 1][1]], tokenizer)
        found = length(text, tokenizer)
        block = Block(text, min(found, tokens), tuple(parts))
        if found == tokens or (found < tokens and keep == len(offsets)):
            return block
        if found > tokens:
            longer = block
        keep = max(1, min(keep + tokens - found, len(offsets)))
    return longer or block
