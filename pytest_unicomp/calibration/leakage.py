"""Find calibration texts that contain evaluation questions: 13 consecutive words in common, as in GPT-3's decontamination.

Source: Brown et al. 2020, arXiv 2005.14165, appendix C (lower case, no punctuation, 13-grams; those that occur often are ignored as
boilerplate); lm-evaluation-harness does the same (`lm_eval.decontamination`, n = 13). Three rules make the words mean a leak:

- Words are compared after NFKC and casefold, without apostrophes; other punctuation and symbols separate. Scripts without spaces (Han, kana,
  Thai, Lao, Khmer, Burmese) count each character as a word.
- A run of 13 words that occurs in two or more different questions of the same benchmark identifies none of them: it is an instruction, a
  template or a shared passage.
- Questions that a program wrote from a few sentences (`ItemText.generated`) share such runs by chance. There a leak is the whole question
  in one text. Questions of fewer than 13 words cannot be recognised and are not checked, which the report counts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_unicomp.api.protocols import ItemText

WORDS = 13
# First and last code points of blocks that are written without spaces (The Unicode Standard, chapters 16 and 18).
UNSPACED = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x3FFFF))


@dataclass(frozen=True)
class Leak:
    """One question that a text gives away: `text` counts from 0 in the texts that were searched, `words` is the first run in common."""

    benchmark: str
    id: str
    text: int
    words: str


@dataclass(frozen=True)
class Search:
    """The leaks, the number of questions that were searched for, and the number that were too short for it."""

    leaks: tuple[Leak, ...]
    checked: int
    short: int


class _Spelling(dict[int, str]):
    """A table for `str.translate`: the replacement of each character, computed at its first use."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        # Apostrophes and invisible characters (soft hyphens, joiners) do not separate words.
        if character in "'\u2019\u02bc" or category == "Cf":
            found = ""
        elif category[0] in "PSZC":
            found = " "
        else:
            found = f" {character} " if any(first <= code <= last for first, last in UNSPACED) else character
        self[code] = found
        return found


def words(text: str, spelling: _Spelling | None = None) -> list[str]:
    """Return the normalized words of a text."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_Spelling() if spelling is None else spelling).split()


def find(texts: Sequence[str], asked: Iterable[tuple[str, Sequence[ItemText]]]) -> Search:
    """Return every question of the benchmarks `asked` (pairs of name and questions) that occurs in one of `texts`.

    Word n-grams of all texts are kept in memory (about 100 bytes a word) and questions are read once: linear time in the sum of both.
    """
    spelling = _Spelling()
    normalized = [words(text, spelling) for text in texts]
    known: dict[str, int] = {}
    for place, found in enumerate(normalized):
        for run in _runs(found):
            known.setdefault(run, place)
    leaks: list[Leak] = []
    checked = short = 0
    for name, questions in asked:
        split = [(question, words(question.text, spelling)) for question in questions]
        long = [(question, found) for question, found in split if len(found) >= WORDS]
        checked, short = checked + len(long), short + len(split) - len(long)
        leaks += _natural(name, [entry for entry in long if not entry[0].generated], known)
        leaks += _generated(name, [entry for entry in long if entry[0].generated], known, normalized)
    return Search(tuple(leaks), checked, short)


def _runs(found: Sequence[str]) -> Iterator[str]:
    return (" ".join(found[start : start + WORDS]) for start in range(len(found) - WORDS + 1))


def _natural(name: str, asked: Sequence[tuple[ItemText, list[str]]], known: dict[str, int]) -> Iterator[Leak]:
    """Yield questions that share a run with a text, if no other question of the benchmark has that run; equal questions count as one."""
    hits = [(question, found, shared) for question, found in asked if (shared := [run for run in _runs(found) if run in known])]
    wanted = {run for *_, shared in hits for run in shared}
    owners: dict[str, set[str]] = {run: set() for run in wanted}
    for _, found in asked if wanted else ():
        for run in wanted.intersection(_runs(found)):
            owners[run].add(" ".join(found))
    for question, _, shared in hits:
        identifying = [run for run in shared if len(owners[run]) == 1]
        if identifying:
            yield Leak(name, question.id, known[identifying[0]], identifying[0])


def _generated(
    name: str, asked: Sequence[tuple[ItemText, list[str]]], known: dict[str, int], normalized: Sequence[Sequence[str]]
) -> Iterator[Leak]:
    """Yield questions that one text contains as a whole."""
    joined: list[str] = []
    for question, found in asked:
        if all(run in known for run in _runs(found)):
            joined = joined or [f" {' '.join(other)} " for other in normalized]
            whole = f" {' '.join(found)} "
            place = next((place for place, text in enumerate(joined) if whole in text), None)
            if place is not None:
                yield Leak(name, question.id, place, whole.strip())
