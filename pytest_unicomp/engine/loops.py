"""Finds replies that repeat themselves to the end, the failure of a damaged model that no multiple-choice score shows."""

from __future__ import annotations

from collections.abc import Sequence

# A loop is the same block of tokens so many times in a row, up to the last token, and so many tokens in total. A table or a list ends in a few equal
# tokens too, and a refrain is sung three times.
TIMES, TOKENS = 4, 32


def looping(tokens: Sequence[int]) -> bool:
    """Return True if a text ends in one block of tokens, of any length, at least TIMES times in a row and TOKENS tokens long in total.

    The last repetition may be incomplete if TIMES whole ones come before it. Text that counts while it repeats ("1. a 2. a") is no loop here.
    Linear in the number of tokens: one pass of the Z algorithm over the reversed text (Gusfield 1997, Algorithms on Strings, Trees and Sequences,
    section 1.4).
    """
    backwards = list(tokens)[::-1]
    # Of a text with period p, the end of p + z[p] tokens repeats the block of p tokens.
    return any(same and period + same >= max(TIMES * period, TOKENS) for period, same in enumerate(_matches(backwards)) if period)


def _matches(tokens: Sequence[int]) -> list[int]:
    """Return for each place how many tokens from there on equal those from the beginning on; 0 for the beginning itself."""
    found = [0] * len(tokens)
    left = right = 0
    for place in range(1, len(tokens)):
        same = min(right - place, found[place - left]) if place < right else 0
        while place + same < len(tokens) and tokens[same] == tokens[place + same]:
            same += 1
        found[place] = same
        if place + same > right:
            left, right = place, place + same
    return found
