"""Tokenizes many texts at once, and what they share at their beginning only once where the result is provably that of each text alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.prefix_tree import common

# Characters that a text must share with another before it is tokenized from there, how far the two tokenizations must overlap, and how much of the
# overlap's end is not looked at, because what follows may change it.
LONG, OVERLAP, END = 400, 160, 32


class Texts:
    """Token ids of texts as `HFLM.tok_encode` gives them, each distinct text tokenized once and all of them in a few calls."""

    def __init__(self, lm: Any, texts: Iterable[str]) -> None:
        """Encode every distinct text, with the special tokens that lm-eval would add to it."""
        from lm_eval.models.utils import has_bos_prefix

        beginning = lm.tokenizer.decode(lm.prefix_token_id)
        self._known: dict[str, list[int]] = {}
        groups: dict[bool, list[str]] = {True: [], False: []}
        for text in dict.fromkeys(texts):
            groups[has_bos_prefix(text, beginning)].append(text)
        added = {} if lm.add_bos_token is None else {"add_special_tokens": lm.add_bos_token}
        for begun, group in groups.items():
            self._known |= encode(lm.tokenizer, group, {"add_special_tokens": False} if begun else added)

    def __getitem__(self, text: str) -> list[int]:
        """Return the ids of one of the texts."""
        return self._known[text]


def encode(tokenizer: Any, texts: Sequence[str], special: dict[str, bool]) -> dict[str, list[int]]:
    """Return the ids of distinct texts, tokenized with the settings `special`; equal to `tokenizer.encode(text, **special)` of each."""
    known: dict[str, list[int]] = {}
    if getattr(tokenizer, "is_fast", False) and not _ends_specially(tokenizer, special):
        ordered = sorted(texts)
        start = 0
        while start < len(ordered):
            end = start + 1
            while end < len(ordered) and common(ordered[start], ordered[end]) >= LONG:
                end += 1
            if end - start > 2:
                known |= _from_shared(tokenizer, ordered[start:end], special)
            start = end
    rest = [text for text in texts if text not in known]
    if rest:
        known |= zip(rest, tokenizer(rest, return_attention_mask=False, **special)["input_ids"], strict=True)
    return known


def _ends_specially(tokenizer: Any, special: dict[str, bool]) -> bool:
    """Say whether a text gets a special token behind it: it then cannot be put together from parts."""
    plain = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    return list(tokenizer("a", **special)["input_ids"])[-len(plain) :] != plain


@dataclass(frozen=True)
class _Parent:
    text: str
    ids: list[int]
    spans: list[tuple[int, int]]

    def cut(self, shared: int) -> int | None:
        """Return the number of a token that begins with a space or a line, OVERLAP characters before what is shared ends; None without one."""
        for number in range(len(self.ids) - 1, 0, -1):
            begin, end = self.spans[number]
            if end > begin and begin <= shared - OVERLAP and begin == self.spans[number - 1][1] and self.text[begin].isspace():
                return number
        return None


def _from_shared(tokenizer: Any, texts: Sequence[str], special: dict[str, bool]) -> dict[str, list[int]]:
    """Tokenize the first of sorted texts whole, and the others, which begin like it, from a little before the place where they part from it.

    A text that another one goes on from (a context, and its continuations) serves that one in turn. What cannot be had so is left out.
    """
    whole = tokenizer(texts[0], return_offsets_mapping=True, return_attention_mask=False, **special)
    first = _Parent(texts[0], list(whole["input_ids"]), list(whole["offset_mapping"]))
    roots: list[str] = [texts[0]]
    longer: list[tuple[str, str]] = []
    for text in texts[1:]:
        if text.startswith(roots[-1]):
            longer.append((roots[-1], text))
        else:
            roots.append(text)
    known = {texts[0]: first} | _continued(tokenizer, [(first, root) for root in roots[1:]])
    known |= _continued(tokenizer, [(known[root], text) for root, text in longer if root in known])
    return {text: parent.ids for text, parent in known.items()}


def _continued(tokenizer: Any, wanted: Sequence[tuple[_Parent, str]]) -> dict[str, _Parent]:
    """Tokenize texts from near the place where each parts from its parent, and put its tokens together from both.

    In the overlap both tokenizations must agree token by token: left of it then nothing can differ, since tokenizers read from left to right.
    A text for which they do not is left out.
    """
    jobs = []
    for parent, text in wanted:
        shared = common(parent.text, text)
        cut = parent.cut(shared)
        if cut is not None:
            jobs.append((parent, text, shared, cut))
    if not jobs:
        return {}
    tails = [text[parent.spans[cut][0] :] for parent, text, _, cut in jobs]
    made = tokenizer(tails, return_offsets_mapping=True, return_attention_mask=False, add_special_tokens=False)
    found: dict[str, _Parent] = {}
    for (parent, text, shared, cut), ids, spans in zip(jobs, made["input_ids"], made["offset_mapping"], strict=True):
        begin = parent.spans[cut][0]
        moved = [(left + begin, right + begin) for left, right in spans]
        agreed = sum(right <= shared - END for _, right in moved)
        same = list(ids[:agreed]) == parent.ids[cut : cut + agreed] and moved[:agreed] == [
            tuple(span) for span in parent.spans[cut : cut + agreed]
        ]
        if agreed and same:
            found[text] = _Parent(text, parent.ids[:cut] + list(ids), [*parent.spans[:cut], *moved])
    return found
