"""The ways of scoring a reply to a question, the field that each reads, and how texts and numbers are compared."""

from __future__ import annotations

import re
import string
from decimal import Decimal, InvalidOperation
from typing import Final

CHOICE: Final = "choice"
NUMBER: Final = "number"
NORMALIZED: Final = "normalized"
PATTERN: Final = "pattern"
JSON_SCHEMA: Final = "json_schema"
JUDGE: Final = "judge"
# The field of a question that each scorer reads.
NEEDS: Final = {
    CHOICE: "answer",
    "exact": "answer",
    NORMALIZED: "answer",
    NUMBER: "answer",
    "contains": "answer",
    PATTERN: "pattern",
    JSON_SCHEMA: "schema",
    JUDGE: "criteria",
}
NEEDED: Final = {
    "answer": "answer, a text, or answers, a list of texts of which each is right",
    "pattern": "pattern, a regular expression that a right reply matches somewhere",
    "schema": "schema, the JSON Schema of a right reply",
    "criteria": "criteria, what makes a reply right, or answer, a right reply",
}
_ARTICLES = re.compile(r"\b(a|an|the)\b")
# The hyphen of a range or of a name, 10-20 or GPT-4, is no sign.
_NUMBER = re.compile(r"(?:(?<!\w)[-+])?(?:(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?")
_MINUS = str.maketrans("\u2212", "-")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(text: str) -> str:
    """Return a text in lower case without punctuation, English articles and repeated spaces, as SQuAD compares answers (arXiv 1606.05250)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def number(text: str) -> Decimal | None:
    """Return the number that a text is, with or without commas between thousands; None if it is none, such as 3,5."""
    written = text.strip().translate(_MINUS)
    if not _NUMBER.fullmatch(written):
        return None
    try:
        return Decimal(written.replace(",", ""))
    # An exponent beyond those of decimal numbers.
    except InvalidOperation:
        return None


def last_number(text: str) -> Decimal | None:
    """Return the last number in a text, None without one."""
    found = _NUMBER.findall(text.translate(_MINUS))
    return number(found[-1]) if found else None
