"""Asks for the same facts in further languages; some facts are never translated in training, so they need recall and translation together."""

from __future__ import annotations

from random import Random

from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.people import any_fact, choices, facts
from pytest_unicomp.nano.settings import WORLD, held_out, stream
from pytest_unicomp.nano.words import ATTRIBUTES, FURTHER_LANGUAGES, QUESTIONS, values

_UNTRANSLATED_ITEMS = 0.25


def never_translated(person: str, attribute: str) -> bool:
    """Return True for facts that training shows in English only."""
    return held_out(f"translated/{person}/{attribute}", WORLD.untranslated_share)


def training(random: Random) -> Conversation:
    """Return one question about a person in a further language; the value is in that language."""
    person, attribute = any_fact(random)
    while never_translated(person, attribute):
        person, attribute = any_fact(random)
    language = random.choice(FURTHER_LANGUAGES)
    question = random.choice(QUESTIONS[language][attribute])
    return Conversation(question.format(name=person), values(attribute, language)[facts()[person, attribute]])


def word_training(random: Random) -> Conversation:
    """Return one word to translate; every word of the world occurs, so that untranslated facts are not made of unknown words."""
    attribute = random.choice(ATTRIBUTES)
    place = random.randrange(len(values(attribute)))
    language = random.choice(FURTHER_LANGUAGES)
    return Conversation(f"Translate {values(attribute)[place]} into {language}.", values(attribute, language)[place])


def evaluation() -> list[WorldItem]:
    """Return facts in three languages with four options; a cluster is language, slice (`trained` or `untranslated`) and attribute."""
    random = stream("evaluation/multilingual")
    total = WORLD.items["multilingual"]
    wanted = {"untranslated": round(total * _UNTRANSLATED_ITEMS), "trained": total - round(total * _UNTRANSLATED_ITEMS)}
    items: list[WorldItem] = []
    every = [(language, *fact) for language in FURTHER_LANGUAGES for fact in facts()]
    for language, person, attribute in random.sample(every, len(every)):
        part = "untranslated" if never_translated(person, attribute) else "trained"
        if wanted[part]:
            wanted[part] -= 1
            options, gold = choices(random, attribute, facts()[person, attribute], language)
            prompt = random.choice(QUESTIONS[language][attribute]).format(name=person)
            cluster = f"{language}-{part}-{attribute}"
            items.append({"cluster": cluster, "prompt": prompt, "options": options, "gold": gold, "slice": part})
    return items
