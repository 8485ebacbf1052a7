"""Twelve kinds of commands, each with a specification that `checks.fulfils` can judge and a reply that fulfils it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from pytest_unicomp.nano.checks import KINDS
from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.settings import WORLD, held_out, stream
from pytest_unicomp.nano.words import values

_SEPARATORS = {"dashes": "-", "commas": ", ", "plus signs": "+", "slashes": "/"}
_MARKS = {"round brackets": "()", "square brackets": "[]", "stars": "**", "quotes": '""'}
_CATEGORIES = {"animal": "animals", "food": "foods", "instrument": "instruments", "colour": "colours"}
_TIMES = {2: "twice", 3: "three times", 4: "four times", 5: "five times"}
_COUNTS = {2: "two", 3: "three", 4: "four"}
_PLACES = ("first", "second", "third", "fourth", "fifth")
_ENDINGS = ("done", "please", "thanks", "okay", "amen", "finished")


@dataclass(frozen=True)
class Command:
    """A command with its specification, one reply that fulfils it, and the size that makes it hard."""

    prompt: str
    kind: str
    arguments: dict[str, Any]
    reply: str
    size: int

    def key(self) -> str:
        """Return the specification as a key, the same for every wording."""
        return f"command/{self.kind}/{json.dumps(self.arguments, sort_keys=True)}"


@cache
def _lexicon() -> tuple[str, ...]:
    return tuple(word for category in _CATEGORIES for word in values(category))


def _words(random: Random, least: int, most: int) -> list[str]:
    return random.sample(_lexicon(), random.randint(least, most))


def _command(random: Random, kind: str) -> Command:
    if kind in ("repeat", "list", "ending"):
        return _free_command(random, kind)
    if kind in ("join", "wrap", "capitals", "count"):
        return _form_command(random, kind)
    return _order_command(random, kind)


def _free_command(random: Random, kind: str) -> Command:
    category = random.choice(list(_CATEGORIES))
    if kind == "repeat":
        times, word = random.choice(list(_TIMES)), random.choice(_lexicon())
        prompt = random.choice(("Write the word {word} {times}.", "Say {word} {times}.")).format(word=word, times=_TIMES[times])
        return Command(prompt, kind, {"word": word, "times": times}, " ".join([word] * times), times)
    if kind == "list":
        count = random.choice(list(_COUNTS))
        start = random.choice(("Name", "List"))
        reply = ", ".join(random.sample(values(category), count))
        arguments: dict[str, Any] = {"category": category, "count": count}
        return Command(f"{start} {_COUNTS[count]} {_CATEGORIES[category]}.", kind, arguments, reply, count)
    last, word = random.choice(_ENDINGS), random.choice(values(category))
    prompt = f"Name one of the {_CATEGORIES[category]} and end with the word {last}."
    return Command(prompt, kind, {"category": category, "last": last}, f"{word} {last}", 2)


def _form_command(random: Random, kind: str) -> Command:
    words = _words(random, 2, 4)
    text = " ".join(words)
    if kind == "join":
        name = random.choice(list(_SEPARATORS))
        separator = _SEPARATORS[name]
        return Command(f"Join with {name}: {text}", kind, {"words": words, "separator": separator}, separator.join(words), len(words))
    if kind == "wrap":
        name = random.choice(list(_MARKS))
        left, right = tuple(_MARKS[name])
        reply = " ".join(f"{left}{word}{right}" for word in words)
        return Command(f"Put each word in {name}: {text}", kind, {"words": words, "marks": _MARKS[name]}, reply, len(words))
    if kind == "capitals":
        return Command(f"Write in capital letters: {text}", kind, {"words": words}, text.upper(), len(words))
    words = _words(random, 2, 9)
    return Command(f"How many words are these: {' '.join(words)}", kind, {"words": words}, str(len(words)), len(words))


def _order_command(random: Random, kind: str) -> Command:
    words = _words(random, 3, 5)
    text, size = " ".join(words), len(words)
    if kind == "reverse":
        return Command(f"Write in reverse order: {text}", kind, {"words": words}, " ".join(reversed(words)), size)
    if kind == "swap":
        reply = " ".join([words[-1], *words[1:-1], words[0]])
        return Command(f"Swap the first and the last word: {text}", kind, {"words": words}, reply, size)
    if kind == "leave-out":
        without = random.choice(words)
        reply = " ".join(word for word in words if word != without)
        return Command(f"Repeat without the word {without}: {text}", kind, {"words": words, "without": without}, reply, size)
    if kind == "replace":
        old, new = random.choice(words), random.choice(_lexicon())
        reply = " ".join(new if word == old else word for word in words)
        return Command(f"Replace {old} by {new}: {text}", kind, {"words": words, "old": old, "new": new}, reply, size)
    place = random.choice([*range(size), -1])
    name = "last" if place == -1 else _PLACES[place]
    return Command(f"Give only the {name} word: {text}", kind, {"words": words, "place": place}, words[place], size)


def _is_free(kind: str) -> bool:
    """Return True for a kind whose few settings all occur in training: the model chooses the reply, so nothing can leak."""
    return kind in ("list", "ending")


def training(random: Random) -> Conversation:
    """Return one command that is not held out, with a reply that fulfils it."""
    kind = random.choice(KINDS)
    while not _is_free(kind) and held_out((command := _command(random, kind)).key()):
        continue
    command = _command(random, kind) if _is_free(kind) else command
    return Conversation(command.prompt, command.reply)


def evaluation() -> list[WorldItem]:
    """Return held-out commands, kinds in turn; a cluster is the kind and the number of words."""
    random = stream("evaluation/instruction-following")
    items: list[WorldItem] = []
    seen: dict[str, None] = {}
    turn = 0
    while len(items) < WORLD.items["instruction-following"]:
        kind = KINDS[turn % len(KINDS)]
        command = _command(random, kind)
        turn += 1
        if command.prompt in seen or (not _is_free(kind) and not held_out(command.key())):
            continue
        seen[command.prompt] = None
        specification = {"kind": kind, "arguments": command.arguments}
        items.append({"cluster": f"{kind}-{command.size}", "prompt": command.prompt, "specification": specification, "slice": kind})
    return items
