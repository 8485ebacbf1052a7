"""The people of the world, with five attributes, the questions about them (knowledge), and texts about them (language modelling)."""

from __future__ import annotations

from functools import cache
from random import Random

from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.settings import WORLD, held_out, stream
from pytest_unicomp.nano.words import ATTRIBUTES, QUESTIONS, first_names, last_names, values

_SENTENCES = {
    "profession": ("{name} works as a {value}.", "By profession {name} is a {value}.", "{name} earns a living as a {value}."),
    "animal": ("{name} keeps a {value}.", "At home {name} has a {value}.", "The pet of {name} is a {value}."),
    "food": ("{name} likes to eat {value}.", "The favourite food of {name} is {value}.", "For dinner {name} wants {value}."),
    "instrument": ("{name} plays the {value}.", "In the evening {name} plays the {value}.", "{name} has learned the {value}."),
    "colour": ("{name} prefers the colour {value}.", "The favourite colour of {name} is {value}.", "{name} likes {value} best."),
}


@cache
def people() -> tuple[str, ...]:
    """Return the full names of everyone in the world, in a fixed order."""
    everyone = all_names()
    return tuple(stream("people").sample(everyone, WORLD.people))


@cache
def all_names() -> tuple[str, ...]:
    """Return every possible full name, whether or not somebody has it."""
    return tuple(f"{first} {last}" for first in first_names() for last in last_names())


@cache
def strangers() -> tuple[str, ...]:
    """Return full names that nobody in the world has."""
    known = frozenset(people())
    return tuple(name for name in all_names() if name not in known)


@cache
def facts() -> dict[tuple[str, str], int]:
    """Return (person, attribute) -> place of the value in `words.values(attribute, language)`."""
    random = stream("facts")
    return {(person, attribute): random.randrange(len(values(attribute))) for person in people() for attribute in ATTRIBUTES}


def choices(random: Random, attribute: str, place: int, language: str = "English", count: int = 4) -> tuple[list[str], int]:
    """Return `count` shuffled values of an attribute, the one at `place` among them, and its index."""
    words = values(attribute, language)
    options = [words[other] for other in random.sample([other for other in range(len(words)) if other != place], count - 1)]
    gold = random.randrange(count)
    options.insert(gold, words[place])
    return options, gold


def any_fact(random: Random) -> tuple[str, str]:
    """Return a person and an attribute, drawn at random."""
    return random.choice(people()), random.choice(ATTRIBUTES)


def training(random: Random) -> Conversation:
    """Return one question about a person, in English."""
    person, attribute = any_fact(random)
    question = random.choice(QUESTIONS["English"][attribute])
    return Conversation(question.format(name=person), values(attribute)[facts()[person, attribute]])


def evaluation() -> list[WorldItem]:
    """Return items that ask for distinct facts in English with four options; items about one person form a cluster."""
    random = stream("evaluation/knowledge")
    items: list[WorldItem] = []
    for person, attribute in random.sample(list(facts()), WORLD.items["knowledge"]):
        options, gold = choices(random, attribute, facts()[person, attribute])
        prompt = random.choice(QUESTIONS["English"][attribute]).format(name=person)
        items.append({"cluster": person, "prompt": prompt, "options": options, "gold": gold, "slice": attribute})
    return items


def _text(random: Random) -> str:
    person = random.choice(people())
    parts = []
    for attribute in random.sample(ATTRIBUTES, len(ATTRIBUTES)):
        sentence = random.choice(_SENTENCES[attribute])
        parts.append(sentence.format(name=person, value=values(attribute)[facts()[person, attribute]]))
    return " ".join(parts)


def document(random: Random) -> Conversation:
    """Return a text about one person that is not among the held-out ones."""
    while held_out(f"document/{(text := _text(random))}"):
        continue
    return Conversation(None, text)


def held_out_documents() -> list[str]:
    """Return texts about people that training never shows: the facts are known, their wording and order are new."""
    random = stream("evaluation/documents")
    texts: dict[str, None] = {}
    while len(texts) < WORLD.documents:
        text = _text(random)
        if held_out(f"document/{text}"):
            texts[text] = None
    return list(texts)
