"""IFBench's instructions on form (`format:`): brackets, quotes, lists, lines, emoji, titles."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pytest_unicomp.benchmarks.performance.ifbench.text import EDGES, bare, sentences

Arguments = Mapping[str, Any]
CLOSES = {")": "(", "]": "[", "}": "{"}


def parentheses(reply: str, given: Arguments) -> bool:
    """Return True if brackets are nested at least five deep and one of them is closed."""
    opened: list[str] = []
    deepest = 0
    for character in reply:
        if character in CLOSES.values():
            opened.append(character)
            deepest = max(deepest, len(opened))
        elif character in CLOSES:
            if not opened or opened[-1] != CLOSES[character]:
                opened, deepest = [], 0
                continue
            opened.pop()
            if deepest >= 5:
                return True
    return False


def quotes(reply: str, given: Arguments) -> bool:
    """Return True if quotations are nested at least three deep and all are closed."""
    opened: list[str] = []
    deepest = 0
    for character in reply:
        if opened and character == opened[-1]:
            opened.pop()
            if deepest - len(opened) >= 3:
                return True
        elif character in "\"'":
            opened.append(character)
            deepest = max(deepest, len(opened))
    return False


def options(reply: str, given: Arguments) -> bool:
    """Return True if the reply is one of the options; lettered ones to the character, others ignoring case and edges."""
    text = given["options"]
    separator = next((mark for mark in ("/", "or") if mark in text), ",")
    choices = [choice.strip() for choice in text.split(separator)]
    if re.match(r"\W*[aA]\W*[bB]\W*[cC]\W*", text):
        return reply in choices
    return reply.strip(EDGES).lower() in [choice.strip(EDGES).lower() for choice in choices]


def newline(reply: str, given: Arguments) -> bool:
    """Return True if each word has a line of its own."""
    text = bare(reply).strip()
    return sum(line != "" for line in text.split("\n")) == len(text.split())


def emoji_ends(reply: str, given: Arguments) -> bool:
    """Return True if an emoji ends each sentence, before or right after its full stop."""
    import emoji

    stripped = [bare(sentence).strip() for sentence in sentences(reply)]
    for place, sentence in enumerate(stripped):
        if not any(emoji.is_emoji(character) for character in (sentence[-1], sentence[-2:][0])):
            following = stripped[place + 1][0] if place + 1 < len(stripped) else ""
            if not emoji.is_emoji(following):
                return False
    return True


def line_indent(reply: str, given: Arguments) -> bool:
    """Return True if each line is indented further than the previous one."""
    lines = reply.split("\n")
    # The official verifier removes lines from the list that it iterates over, which leaves every second blank line of a row.
    for line in lines:
        if not line.strip():
            lines.remove(line)
    indents = [len(line) - len(line.lstrip(" ")) for line in lines]
    return all(one < other for one, other in pairwise(indents))


def quote_unquote(reply: str, given: Arguments) -> bool:
    """Return True if no two quotations are adjacent and the reply does not end in one."""
    text = "".join(reply.replace("“", '"').replace("”", '"').replace("'\"'", "").split())
    return '""' not in text and text.strip(string.digits + string.punctuation.replace('"', ""))[-1] != '"'


def separators(reply: str, given: Arguments) -> bool:
    """Return True if the separator occurs at least twice."""
    return reply.count(given["sep"]) >= 2


def thesis(reply: str, given: Arguments) -> bool:
    """Return True if HTML italics hold some text and more text follows them."""
    opening = next((place for place in (reply.find("<i>"), reply.find("<em>")) if place >= 0), -1)
    rest = reply[opening:]
    closing = next((place for place in (rest.find("</i>"), rest.find("</em>")) if place >= 0), -1)
    return opening >= 0 and closing >= 0 and bool(rest[3:closing].strip()) and bool(rest[closing + 4 :].strip())


def sub_bullets(reply: str, given: Arguments) -> bool:
    """Return True if each bullet point (*) has a sub-point (-)."""
    return all("-" in point for point in reply.split("*")[1:])


def no_bullets_bullets(reply: str, given: Arguments) -> bool:
    """Return True if at least two sentences come before at least two bullet points, and nothing after."""
    before = bullets = 0
    ended = False
    for line in reply.split("\n"):
        if line.strip().startswith("*"):
            bullets, ended = bullets + 1, True
            if before < 2:
                return False
        elif ended:
            return False
        else:
            found = sentences(line.strip())
            before += len(found)
            # In the official verifier a line without a sentence, such as an empty one, ends the part before the bullets.
            ended = not found
    return bullets >= 2


def title_case(reply: str, given: Arguments) -> bool:
    """Return True if no word begins with a small letter; nltk counts punctuation as words."""
    import nltk

    return not any(word[0].islower() and (word[1:].isupper() or word[1:].islower()) for word in nltk.word_tokenize(reply))


def output_template(reply: str, given: Arguments) -> bool:
    """Return True if the three headings occur."""
    return all(heading in reply for heading in ("My Answer:", "My Conclusion:", "Future Outlook:"))


def no_whitespace(reply: str, given: Arguments) -> bool:
    """Return True if there is no white space."""
    return not any(character.isspace() for character in reply)


VERIFIERS = {
    "format:parentheses": parentheses,
    "format:quotes": quotes,
    "format:options": options,
    "format:newline": newline,
    "format:emoji": emoji_ends,
    "format:line_indent": line_indent,
    "format:quote_unquote": quote_unquote,
    "format:list": separators,
    "format:thesis": thesis,
    "format:sub-bullets": sub_bullets,
    "format:no_bullets_bullets": no_bullets_bullets,
    "format:title_case": title_case,
    "format:output_template": output_template,
    "format:no_whitespace": no_whitespace,
}
