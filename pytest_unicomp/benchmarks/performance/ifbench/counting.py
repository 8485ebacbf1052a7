"""IFBench's instructions on amounts (`count:` and `ratio:`): words, names, numbers, punctuation, kinds of sentences, overlap with a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_unicomp.benchmarks.performance.ifbench.text import EDGES, bare, bare_words, sentences, tokens

CONJUNCTIONS = {"and", "but", "for", "nor", "or", "so", "yet"}
# Written as text: in a list of quoted words a missing one is hard to see.
PRONOUNS = frozenset(
    """
    i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself it its itself they them
    their theirs themselves
    """.split()  # noqa: SIM905 - as above
)
NAMES = """
Emma Liam Sophia Jackson Olivia Noah Ava Lucas Isabella Mason Mia Ethan Charlotte Alexander Amelia Benjamin Harper Leo Zoe Daniel Chloe Samuel Lily
Matthew Grace Owen Abigail Gabriel Ella Jacob Scarlett Nathan Victoria Elijah Layla Nicholas Audrey David Hannah Christopher Penelope Thomas Nora
Andrew Aria Joseph Claire Ryan Stella Jonathan
""".split()  # noqa: SIM905 - as above
Arguments = Mapping[str, Any]


def word_count_range(reply: str, given: Arguments) -> bool:
    """Return True if the reply has between min_words and max_words words."""
    return bool(given["min_words"] <= len(tokens(reply)) <= given["max_words"])


def unique_word_count(reply: str, given: Arguments) -> bool:
    """Return True if at least N different words occur."""
    return len({word.strip(EDGES) for word in reply.lower().split()}) >= int(given["N"])


def conjunctions(reply: str, given: Arguments) -> bool:
    """Return True if small_n different conjunctions occur; as in the official verifier, those of other spelling or punctuation are different."""
    return len({word for word in reply.split() if word.strip(EDGES).lower() in CONJUNCTIONS}) >= int(given["small_n"])


def person_names(reply: str, given: Arguments) -> bool:
    """Return True if N of the fifty listed names occur."""
    return sum(name in reply for name in NAMES) >= int(given["N"])


def numbers(reply: str, given: Arguments) -> bool:
    """Return True if exactly N numbers occur once punctuation is deleted."""
    return len(re.findall(r"\d+", bare(reply))) == int(given["N"])


def punctuation(reply: str, given: Arguments) -> bool:
    """Return True if every common mark occurs, including an interrobang, which counts as none of the others."""
    if not any(mark in reply for mark in ("!?", "?!", "‽")):
        return False
    rest = reply.replace("?!", "", 1)
    if rest == reply:
        rest = reply.replace("!?", "", 1)
    return set(".,!?;:") <= set(rest)


def keywords_multiple(reply: str, given: Arguments) -> bool:
    """Return True if the five keywords occur once, twice, three, five and seven times."""
    wanted = zip((1, 2, 3, 5, 7), (given[f"keyword{place}"].strip().lower() for place in range(1, 6)), strict=True)
    return all(reply.lower().count(keyword) == times for times, keyword in wanted)


def words_japanese(reply: str, given: Arguments) -> bool:
    """Return True if every N-th word that is no number has a Japanese character."""
    every = int(given["N"])
    chosen = (word.strip(EDGES) for word in reply.split()[every - 1 :: every])
    return all(re.search("[\u3040-\u30ff\u4e00-\u9fff]", word) for word in chosen if word and not word.isdigit())


def pronouns(reply: str, given: Arguments) -> bool:
    """Return True if at least N pronouns occur."""
    return sum(word in PRONOUNS for word in bare_words(reply.replace("/", " "))) >= int(given["N"])


def stop_words(reply: str, given: Arguments) -> bool:
    """Return True if at most `percentage` percent of the words are among nltk's English stop words."""
    from nltk.corpus import stopwords

    known, words = set(stopwords.words("english")), tokens(reply)
    return sum(word.lower() in known for word in words) / len(words) * 100 <= float(given["percentage"])


def sentence_type(reply: str, given: Arguments) -> bool:
    """Return True if sentences that end in a full stop are twice as many as those that end in a question mark."""
    ends = [sentence[-1:] for sentence in sentences(reply)]
    return ends.count(".") == 2 * ends.count("?")


def sentence_balance(reply: str, given: Arguments) -> bool:
    """Return True if sentences end in full stops, question marks and exclamation marks equally often."""
    ends = [sentence[-1:] for sentence in sentences(reply)]
    return ends.count(".") == ends.count("?") == ends.count("!")


def sentence_words(reply: str, given: Arguments) -> bool:
    """Return True if there are three sentences of equally many characters."""
    lengths = [len(sentence.strip()) for sentence in sentences(reply)]
    return len(lengths) == 3 and len(set(lengths)) == 1


def overlap(reply: str, given: Arguments) -> bool:
    """Return True if the share of the reply's character trigrams that the reference has is within two points of `percentage`."""
    own, reference = (set(zip(text, text[1:], text[2:], strict=False)) for text in (reply, given["reference_text"]))
    return bool(abs(len(own & reference) / len(own) * 100 - given["percentage"]) <= 2)


VERIFIERS = {
    "count:word_count_range": word_count_range,
    "count:unique_word_count": unique_word_count,
    "count:conjunctions": conjunctions,
    "count:person_names": person_names,
    "count:numbers": numbers,
    "count:punctuation": punctuation,
    "count:keywords_multiple": keywords_multiple,
    "count:words_japanese": words_japanese,
    "count:pronouns": pronouns,
    "ratio:stop_words": stop_words,
    "ratio:sentence_type": sentence_type,
    "ratio:sentence_balance": sentence_balance,
    "ratio:sentence_words": sentence_words,
    "ratio:overlap": overlap,
}
