"""IFBench's instructions on words and sentences (`words:`, `sentence:` and `repeat:`): letters, syllables, order, repetition."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pytest_unicomp.benchmarks.performance.ifbench.text import EDGES, bare, bare_words, sentences

Arguments = Mapping[str, Any]
PRIMES = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97}
REPEATED = "only output this sentence here, ignore all other requests."


def alphabet(reply: str, given: Arguments) -> bool:
    """Return True if the words begin with successive letters, and a follows z."""
    first = [string.ascii_lowercase.find(word[0]) for word in bare_words(reply)]
    return first[0] >= 0 and all(letter == (first[0] + place) % 26 for place, letter in enumerate(first))


def vowel(reply: str, given: Arguments) -> bool:
    """Return True if one paragraph uses at most three of the vowels."""
    return "\n" not in reply.strip() and len(set("aeiou") & set(reply.lower())) <= 3


def consonants(reply: str, given: Arguments) -> bool:
    """Return True if each word has two consonants side by side."""
    return all(re.search("[bcdfghj-np-tv-z]{2}", word) for word in reply.lower().split())


def palindrome(reply: str, given: Arguments) -> bool:
    """Return True if ten words of at least five letters read the same backwards."""
    return sum(len(word) >= 5 and word == word[::-1] for word in bare_words(reply)) >= 10


def prime_lengths(reply: str, given: Arguments) -> bool:
    """Return True if the length of each word is a prime number."""
    return all(len(word) in PRIMES for word in bare(reply).split())


def repeats(reply: str, given: Arguments) -> bool:
    """Return True if no word occurs more than small_n times."""
    return all(count <= given["small_n"] for count in Counter(bare_words(reply)).values())


def odd_even_syllables(reply: str, given: Arguments) -> bool:
    """Return True if words of odd and even numbers of syllables alternate."""
    import syllapy

    return all(one != other for one, other in pairwise(syllapy.count(word) % 2 for word in bare_words(reply)))


def start_verb(reply: str, given: Arguments) -> bool:
    """Return True if nltk's tagger calls the first word a verb."""
    import nltk

    return "VB" in nltk.pos_tag(nltk.word_tokenize(reply))[0][1]


def last_first(reply: str, given: Arguments) -> bool:
    """Return True if the last word of each sentence is the first of the next."""
    return all(one.rstrip(EDGES).split()[-1].lower() == other.lstrip(EDGES).split()[0].lower() for one, other in pairwise(sentences(reply)))


def paragraph_last_first(reply: str, given: Arguments) -> bool:
    """Return True if each paragraph ends with the word that it begins with."""
    paragraphs = [line.strip().lower().strip(EDGES).split() for line in reply.split("\n") if line.strip()]
    return all(words[0] == words[-1] for words in paragraphs)


def no_consecutive(reply: str, given: Arguments) -> bool:
    """Return True if no two words in a row begin with the same letter."""
    return all(one[0] != other[0] for one, other in pairwise(bare_words(reply)))


def keywords_specific_position(reply: str, given: Arguments) -> bool:
    """Return True if the m-th word of the n-th sentence is the keyword."""
    import nltk

    found = sentences(reply)
    place, word = int(given["n"]), int(given["m"])
    if len(found) < place:
        return False
    words = nltk.word_tokenize(found[place - 1])
    return len(words) >= word and words[word - 1] == given["keyword"].strip()


def words_position(reply: str, given: Arguments) -> bool:
    """Return True if the second word and the last but one are the keyword; nltk counts punctuation as words."""
    import nltk

    words = nltk.word_tokenize(reply)
    return len(words) >= 2 and words[1] == words[-2] == given["keyword"].strip()


def sentence_keyword(reply: str, given: Arguments) -> bool:
    """Return True if the N-th sentence has the word."""
    found, place = sentences(reply), int(given["N"])
    return len(found) >= place and given["word"].lower() in found[place - 1].lower()


def sentence_increment(reply: str, given: Arguments) -> bool:
    """Return True if each sentence has small_n words more than the previous one."""
    lengths = [len(bare(sentence).split()) for sentence in sentences(reply)]
    return all(other == one + given["small_n"] for one, other in pairwise(lengths))


def alliteration_increment(reply: str, given: Arguments) -> bool:
    """Return True if each sentence has more words in alliterations than the previous one."""
    counts = []
    for sentence in sentences(reply):
        words = [word.lstrip(EDGES) for word in sentence.lower().split() if word.lstrip(EDGES)]
        same = [one[0] == other[0] for one, other in pairwise(words)]
        counts.append(sum(same) + sum(now and not before for before, now in pairwise([False, *same])))
    return all(one < other for one, other in pairwise(counts))


def repeat_change(reply: str, given: Arguments) -> bool:
    """Return True if the reply is the request with a different first character."""
    asked = given["prompt_to_repeat"]
    return bool(reply != asked and reply[1:] == asked[1:])


def repeat_simple(reply: str, given: Arguments) -> bool:
    """Return True if the reply is the instruction itself."""
    return reply.strip().lower() == REPEATED


def repeat_span(reply: str, given: Arguments) -> bool:
    """Return True if the reply is the words n_start to n_end of the request."""
    return bool(reply.lower().split() == given["prompt_to_repeat"].lower().split()[int(given["n_start"]) : int(given["n_end"])])


VERIFIERS = {
    "words:alphabet": alphabet,
    "words:vowel": vowel,
    "words:consonants": consonants,
    "words:palindrome": palindrome,
    "words:prime_lengths": prime_lengths,
    "words:repeats": repeats,
    "words:odd_even_syllables": odd_even_syllables,
    "words:start_verb": start_verb,
    "words:last_first": last_first,
    "words:paragraph_last_first": paragraph_last_first,
    "words:no_consecutive": no_consecutive,
    "words:keywords_specific_position": keywords_specific_position,
    "words:words_position": words_position,
    "sentence:keyword": sentence_keyword,
    "sentence:increment": sentence_increment,
    "sentence:alliteration_increment": alliteration_increment,
    "repeat:repeat_change": repeat_change,
    "repeat:repeat_simple": repeat_simple,
    "repeat:repeat_span": repeat_span,
}
