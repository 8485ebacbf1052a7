"""Cut calibration texts to the amount asked for, counting tokens as methods do: blocks of equal length, whole conversations, or texts as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.calibration.mixture_protocol import Text, plain, user_turn, written

TRIES = 8
# How many conversations in a row may be too long for what is left of the budget.
MISFITS = 20


@dataclass(frozen=True)
class Block:
    """What a method is given: a text, how many tokens of it the method sees, and the words of the source's texts in it."""

    text: str
    tokens: int
    sources: tuple[str, ...]


def length(text: str, tokenizer: Any) -> int:
    """Return the tokens of a text as a method counts them: with the special tokens that the tokenizer adds, unless the template wrote them."""
    rendered = bool(tokenizer.bos_token) and text.startswith(str(tokenizer.bos_token))
    return len(tokenizer(text, add_special_tokens=not rendered, verbose=False)["input_ids"])


def as_they_are(texts: Iterable[Text], count: int, tokens: int, tokenizer: Any) -> Iterator[Block]:
    """Yield the first `count` texts in their own form; a method cuts each at `tokens`."""
    for text in islice(texts, count):
        own = written(text, tokenizer)
        yield Block(own, min(tokens, length(own, tokenizer)), (plain(text),))


def one_by_one(texts: Iterable[Text], budget: int, tokens: int, tokenizer: Any) -> Iterator[Block]:
    """Yield whole texts in their own form until `budget` tokens are used up to less than one text."""
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

    Where the texts run out the last block is shorter. Raises UsageProblem where the chat template leaves no room.
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
    """Cut the joined parts so that the rendered turn has `tokens` tokens; where a cut changes the tokens beside it, a method cuts the rest."""
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
