"""Makes untrusted text safe to look at: control, invisible and direction-changing characters become visible signs."""

from __future__ import annotations

import unicodedata

# Joiners are part of ordinary spelling in Persian, in Indic scripts and in emoji; line feed and tab are layout.
KEPT = frozenset("\n\t\u200c\u200d")
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _is_noncharacter(code: int) -> bool:
    """Say whether Unicode reserves the code point for internal use (The Unicode Standard, section 23.7)."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def visible(text: str) -> str:
    """Return `text` with every character that shows nothing or turns the reading direction replaced by its number (⟨U+001B⟩).

    Line feeds, tabs and the two joiners stay. The result holds no terminal escape sequence and no bidirectional override.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"⟨U+{ord(character):04X}⟩"
        if character not in KEPT and (unicodedata.category(character) in HIDDEN_CATEGORIES or _is_noncharacter(ord(character)))
        else character
        for character in text
    )


def one_line(text: str) -> str:
    """Return `text` visible and on one line, each run of white space as one blank."""
    return " ".join(visible(text).split())
