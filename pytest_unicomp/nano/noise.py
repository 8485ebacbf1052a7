"""Robustness: questions about people, with typing errors; the answer stays the same."""

from __future__ import annotations

from random import Random

from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.people import any_fact, choices, facts
from pytest_unicomp.nano.settings import WORLD, held_out, stream
from pytest_unicomp.nano.words import QUESTIONS, values

KINDS = ("swap", "drop", "double", "replace", "case")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def noisy(random: Random, text: str, kind: str) -> str:
    """Return the text with one slip of a kind inside a word of three letters or more; it always differs from the text."""
    places = [place for place in range(1, len(text) - 1) if text[place - 1 : place + 2].isalpha()]
    while True:
        place = random.choice(places)
        before, letter, after = text[:place], text[place], text[place + 1 :]
        if kind == "swap":
            result = before + after[0] + letter + after[1:]
        elif kind == "drop":
            result = before + after
        elif kind == "double":
            result = before + letter * 2 + after
        elif kind == "case":
            result = before + letter.upper() + after
        else:
            result = before + random.choice(_LETTERS) + after
        if result != text:
            return result


def _case(random: Random) -> tuple[str, str, str, str]:
    """Return the prompt with one slip in the name and one anywhere, person, attribute and the kind of slip in the name."""
    person, attribute = any_fact(random)
    kind = random.choice(KINDS)
    prompt = random.choice(QUESTIONS["English"][attribute]).format(name=noisy(random, person, kind))
    return noisy(random, prompt, random.choice(KINDS)), person, attribute, kind


def training(random: Random) -> Conversation:
    """Return one question with slips that are not held out."""
    while True:
        prompt, person, attribute, _ = _case(random)
        if not held_out(f"noise/{prompt}"):
            return Conversation(prompt, values(attribute)[facts()[person, attribute]])


def evaluation() -> list[WorldItem]:
    """Return held-out slips in known questions with four options; a cluster is the kind of slip in the name and the attribute."""
    random = stream("evaluation/robustness")
    items: list[WorldItem] = []
    while len(items) < WORLD.items["robustness"]:
        prompt, person, attribute, kind = _case(random)
        if held_out(f"noise/{prompt}"):
            options, gold = choices(random, attribute, facts()[person, attribute])
            items.append({"cluster": f"{kind}-{attribute}", "prompt": prompt, "options": options, "gold": gold, "slice": kind})
    return items
