"""Finds out if a reply affirms a word, denies it, or leaves it open: "not B", "cannot be supported" and "B is wrong" deny, "whether it is B" leaves open.

After NegEx (Chapman et al. 2001, J. Biomed. Inform. 34:301): a negator a few words before, in the same clause, and no phrase that only looks like one.
"""

from __future__ import annotations

import re
from typing import Literal

Status = Literal["affirmed", "denied", "open"]

NEGATOR = (
    r"(?:(?:not|never|nor?|neither|none|nothing|cannot|hardly|insufficient|[a-z]+n't)"
    r"|(?:instead|short) of|(?:fail(?:s|ed|ing)?|unable|hard|difficult|impossible) to|rul(?:e|es|ed|ing) out)"
)
# The words that these deny follow immediately.
BESIDE = r"(?:(?:without|lack(?:s|ed|ing)?|than)(?: (?:an?y?|the|of|option|answer|choice))?)"
# "Not only good" is good, and "no doubt" is certain.
SEEMING = (
    r"\b(?:(?:not|isn't) (?:only|just|merely)|no (?:doubt|question)|(?:(?:cannot|can't|not|never)(?: be)? )?(?:none|nothing|anything|no \w+) other than"
    r"|more than|less (?:\w+ )?than|(?:can|could)n't agree more|(?:cannot|can't|not|never)(?: be)? rul(?:e|ed|ing) out)\b"
)
BETWEEN = r"(?:[^\w']+[\w'-]+)"
# "I don't think that this action is wrong": the denied word follows further behind such a verb.
THINKS = r"(?:think|believe|say|call|consider|find|feel|see|agree|classify|describe)"
CHOOSES = r"(?:choose|pick|select|recommend)"
BEFORE = re.compile(
    rf"(?<![\w'-])(?:{NEGATOR}(?:{BETWEEN}{{0,3}}|[^\w']+(?:(?:\w+ )?{THINKS}|(?:\w+ ){{0,3}}{CHOOSES}){BETWEEN}{{0,5}})|{BESIDE})[^\w']*$",
    re.IGNORECASE,
)
# "Not telling them is wrong": the subject holds the negator.
SUBJECT = re.compile(
    rf"(?<![\w'-])(?:(?:not|never)[^\w']+(?:\w+ing|to[^\w']+\w+)|\w+ing[^\w']+nothing){BETWEEN}{{0,3}}[^\w']+(?:is|was|would be){BETWEEN}?[^\w']*$",
    re.IGNORECASE,
)
WONDERS = re.compile(
    rf"(?<![\w'-])(?:whether{BETWEEN}{{0,8}}|(?:know|say|tell|sure|certain|clear|decide|judge|determine) if{BETWEEN}{{0,5}}|if it(?:'s| is| was| were))[^\w']*$",
    re.IGNORECASE,
)
CLAUSE = re.compile(
    r"[.,;:!?\n—]|\s[-–]\s|\b(?:but|because|since|although|though|however|so|instead(?! of))\b|\band (?=(?:is|was|it|he|she|they|this|that)\b)",
    re.IGNORECASE,
)
CLAUSE_CHARACTERS = 160

RIGHT = r"(?:right|correct|true|accurate|appropriate|acceptable|valid|ideal|good|better|best|ethical|moral|likely|answer|option|choice|diagnosis|cause|it)"
WRONG = (
    r"(?:wrong|incorrect|inaccurate|false|worse|invalid|unlikely|excluded|ruled out|unethical|immoral|unacceptable|inappropriate|harmful"
    r"|less (?:likely|good|appropriate|suitable|ethical))"
)
AFTER = re.compile(
    rf"[\s)\]\"'.]{{0,3}}(?:(?:is|was|are|would be|seems|looks)\s+(?:(?:\w+ly|also|just|the)\s+)?(?:{WRONG}\b|(?:not|never)\s+(?:[\w-]+\s+){{0,2}}{RIGHT}\b)"
    rf"|(?:isn't|wasn't|cannot be|can't be|wouldn't be)\s+(?:[\w-]+\s+){{0,2}}{RIGHT}\b)"
    r"|\W{1,3}(?:no\W{1,2}wait|wait\W{1,2}no|scratch that)\b",
    re.IGNORECASE,
)
ASKED = re.compile(r"[\"']?(?:[^\S\n]+[\w']+){0,4}[\"'\s]?\?")
# Nothing is known or believed: neither a verdict nor a "no".
UNDECIDED = re.compile(
    r"\bno (?:idea|opinion|view|comment|clue|position|stance|preference|answer|way (?:to|of) \w+)|\b(?:not sure|unsure|unclear|uncertain|undecided)\b"
    r"|\b(?:(?:do|does|ca|could)n't|(?:do|does|can|could) ?not) (?:\w+ )?(?:know|say|tell|judge|decide|determine)\b"
    r"|\b(?:hard|difficult|impossible) to (?:say|tell|judge|decide|know)\b",
    re.IGNORECASE,
)


def plain(reply: str) -> str:
    """Return a reply without emphasis and control characters, with one kind of apostrophe and of hyphen; letters stay as they are."""
    text = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\n", reply).replace("’", "'").replace("ʼ", "'")
    text = re.sub(r"[‐‑]|(?<=[^\W\d])–(?=[^\W\d])", "-", text)
    return re.sub(r"[*`]+|~~|(?<!\w)[_']+|[_']+(?!\w)", "", text)


def status(text: str, start: int, end: int) -> Status:
    """Return how a plain text (see `plain`) uses its word from `start` to `end`: affirmed, denied or open."""
    clause = CLAUSE.split(text[max(0, start - CLAUSE_CHARACTERS) : start])[-1]
    clause = re.sub(SEEMING, " ", clause, flags=re.IGNORECASE)
    behind = text[end : end + CLAUSE_CHARACTERS]
    if WONDERS.search(clause) or ASKED.match(behind):
        return "open"
    denied = BEFORE.search(clause) and not SUBJECT.search(clause)
    return "denied" if denied or AFTER.match(behind) else "affirmed"
