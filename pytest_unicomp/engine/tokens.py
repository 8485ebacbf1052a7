"""Tokenizes many texts at once. A prefix that texts share is tokenized once, if the result is provably that of each text by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_unicomp.engine.prefix_tree import common_prefix_length

# In characters: the shortest prefix worth sharing, how far before its end a text is tokenized anew so that the two tokenizations overlap, and the
# last part of that overlap, which is not compared because the text after it may change its tokens.
MIN_SHARED, OVERLAP, NOT_COMPARED = 400, 160, 32


class EncodedTexts:
    """Token ids of texts as `HFLM.tok_encode` gives them; each distinct text is tokenized once, and all in a few calls."""

    def __init__(self, lm: Any, texts: Iterable[str]) -> None:
        """Encode every distinct text, with the special tokens that lm-eval would add to it."""
        from lm_eval.models.utils import has_bos_prefix

        bos = lm.tokenizer.decode(lm.prefix_token_id)
        self._ids: dict[str, list[int]] = {}
        groups: dict[bool, list[str]] = {True: [], False: []}
        for text in dict.fromkeys(texts):
            groups[has_bos_prefix(text, bos)].append(text)
        special = {} if lm.add_bos_token is None else {"add_special_tokens": lm.add_bos_token}
        for with_bos, group in groups.items():
            self._ids |= encode(lm.tokenizer, group, {"add_special_tokens": False} if with_bos else special)

    def __getitem__(self, text: str) -> list[int]:
        """Return the ids of one of the texts."""
        return self._ids[text]


def encode(tokenizer: Any, texts: Sequence[str], special: dict[str, bool]) -> dict[str, list[int]]:
    """Return the ids of distinct texts, each equal to `tokenizer.encode(text, **special)`; `special` may hold `add_special_tokens`."""
    ids: dict[str, list[int]] = {}
    if getattr(tokenizer, "is_fast", False) and not _appends_special_token(tokenizer, special):
        ordered = sorted(texts)
        start = 0
        while start < len(ordered):
            end = start + 1
            while end < len(ordered) and common_prefix_length(ordered[start], ordered[end]) >= MIN_SHARED:
                end += 1
            if end - start > 2:
                ids |= _encode_with_shared_prefix(tokenizer, ordered[start:end], special)
            start = end
    rest = [text for text in texts if text not in ids]
    if rest:
        ids |= zip(rest, tokenizer(rest, return_attention_mask=False, **special)["input_ids"], strict=True)
    return ids


def _appends_special_token(tokenizer: Any, special: dict[str, bool]) -> bool:
    """Return True if a special token follows each text: its ids then cannot be concatenated from parts."""
    plain = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    return list(tokenizer("a", **special)["input_ids"])[-len(plain) :] != plain


@dataclass(frozen=True)
class _Encoding:
    text: str
    ids: list[int]
    spans: list[tuple[int, int]]

    def cut(self, shared: int) -> int | None:
        """Return the number of a token that starts with whitespace, at least OVERLAP characters before `shared`; None if there is none."""
        for number in range(len(self.ids) - 1, 0, -1):
            begin, end = self.spans[number]
            if end > begin and begin <= shared - OVERLAP and begin == self.spans[number - 1][1] and self.text[begin].isspace():
                return number
        return None


def _encode_with_shared_prefix(tokenizer: Any, texts: Sequence[str], special: dict[str, bool]) -> dict[str, list[int]]:
    """Tokenize the first of sorted texts whole, and the others, which share a prefix with it, from shortly before they differ.

    A text that is a prefix of another one (a context, and its continuations) serves as the start of that one. Texts that cannot be encoded this
    way are left out of the result.
    """
    whole = tokenizer(texts[0], return_offsets_mapping=True, return_attention_mask=False, **special)
    first = _Encoding(texts[0], list(whole["input_ids"]), list(whole["offset_mapping"]))
    roots: list[str] = [texts[0]]
    longer: list[tuple[str, str]] = []
    for text in texts[1:]:
        if text.startswith(roots[-1]):
            longer.append((roots[-1], text))
        else:
            roots.append(text)
    known = {texts[0]: first} | _encode_tails(tokenizer, [(first, root) for root in roots[1:]])
    known |= _encode_tails(tokenizer, [(known[root], text) for root, text in longer if root in known])
    return {text: encoding.ids for text, encoding in known.items()}


def _encode_tails(tokenizer: Any, wanted: Sequence[tuple[_Encoding, str]]) -> dict[str, _Encoding]:
    """Tokenize each text from shortly before it differs from the text already encoded, and join the ids of both.

    In the overlap the two tokenizations must agree token by token. Nothing to the left of it can then differ, since tokenizers work from left to
    right. Texts for which they do not agree are left out.
    """
    jobs = []
    for known, text in wanted:
        shared = common_prefix_length(known.text, text)
        cut = known.cut(shared)
        if cut is not None:
            jobs.append((known, text, shared, cut))
    if not jobs:
        return {}
    tails = [text[known.spans[cut][0] :] for known, text, _, cut in jobs]
    encoded = tokenizer(tails, return_offsets_mapping=True, return_attention_mask=False, add_special_tokens=False)
    found: dict[str, _Encoding] = {}
    for (known, text, shared, cut), ids, spans in zip(jobs, encoded["input_ids"], encoded["offset_mapping"], strict=True):
        begin = known.spans[cut][0]
        shifted = [(left + begin, right + begin) for left, right in spans]
        compared = sum(right <= shared - NOT_COMPARED for _, right in shifted)
        same_ids = list(ids[:compared]) == known.ids[cut : cut + compared]
        if compared and same_ids and shifted[:compared] == [tuple(span) for span in known.spans[cut : cut + compared]]:
            found[text] = _Encoding(text, known.ids[:cut] + list(ids), [*known.spans[:cut], *shifted])
    return found
