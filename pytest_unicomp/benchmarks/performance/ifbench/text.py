"""Cuts a reply into words and sentences as the official IFBench verifiers do (allenai/IFBench, Apache-2.0), because their verdicts depend on it."""

from __future__ import annotations

import re
import string
import unicodedata

EDGES = string.punctuation + " "
_DELETED = str.maketrans("", "", string.punctuation)


def bare(text: str) -> str:
    """Return the text without ASCII punctuation."""
    return text.translate(_DELETED)


def bare_words(text: str) -> list[str]:
    """Return the words left when ASCII punctuation is deleted, in lower case."""
    return bare(text.lower()).split()


def tokens(text: str) -> list[str]:
    """Return the runs of letters, digits and underscores."""
    return re.findall(r"\w+", text)


def sentences(text: str) -> list[str]:
    """Return the sentences by IFEval's rules, which lm-eval carries: full stops of titles, numbers and acronyms do not end one."""
    from lm_eval.tasks.ifeval.instructions_util import split_into_sentences

    found: list[str] = split_into_sentences(text)
    return found


def ascii_only(text: str) -> str:
    """Return the text without accents and without characters that are then not ASCII."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
