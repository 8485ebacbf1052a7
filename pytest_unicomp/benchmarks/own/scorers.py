"""The ways of scoring a reply to a question, the field that each reads, and how texts and numbers are compared."""

from __future__ import annotations

import re
import string
from decimal import Decimal, InvalidOperation
from typing import Final

CHOICE: Final = "choice"
NUMBER: Final = "number"
PATTERN: Final = "pattern"
JSON_SCHEMA: Final = "json_schema"
JUDGE: Final = "judge"
# The field of a question that each scorer reads.
NEEDS: Final = {
    CHOICE: "answer",
    "exact": "answer",
    "normalized": "answer",
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
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|[-+]?\.\d+")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalized(text: str) -> str:
    """Return a text in lower case without punctuation, English articles and repeated spaces, as SQuAD compares answers (arXiv 1606.05250)."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def number(text: str) -> Decimal | None:
    """Return the number that a text is, with or without commas between thousands; None if it is none."""
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def last_number(text: str) -> Decimal | None:
    """Return the last number in a text, None without one."""
    found = _NUMBER.findall(text)
    return number(found[-1]) if found else None
