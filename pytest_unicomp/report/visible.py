"""Makes control, invisible and direction-changing characters of untrusted text visible, so that it cannot steer a terminal or mislead a reader."""

from __future__ import annotations

import unicodedata

# Joiners are part of ordinary spelling in Persian, in Indic scripts and in emoji; line feed and tab are layout.
KEPT = frozenset("\n\t\u200c\u200d")
HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _is_noncharacter(code: int) -> bool:
    """Return True if Unicode reserves the code point for internal use (The Unicode Standard, section 23.7)."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def visible(text: str) -> str:
    """Return `text` with every invisible or direction-changing character replaced by its code point (⟨U+001B⟩).

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
    """Return `text` visible and on one line, each run of white space as one space."""
    return " ".join(visible(text).split())
