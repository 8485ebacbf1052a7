"""Texts that hide a number, one of many numbers, or a chain of variables; each is drawn from a seeded generator, with `units` of filling."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from random import Random
from string import ascii_uppercase
from typing import Final

NOISE: Final = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
COLOURS: Final = ("red", "blue", "green", "white", "black", "brown", "grey", "pink", "golden", "silver", "orange", "purple")
MANNERS: Final = (
    *("brave", "calm", "clever", "cold", "curious", "damp", "eager", "early", "empty", "fancy"),
    *("fierce", "gentle", "happy", "heavy", "honest", "hungry", "icy", "kind", "late", "lazy"),
    *("loud", "lucky", "mild", "modern", "narrow", "noble", "old", "patient", "polite", "proud"),
    *("quick", "quiet", "rapid", "round", "shy", "silent", "simple", "sleepy", "soft", "tall"),
)
THINGS: Final = (
    *("anchor", "basket", "bell", "bottle", "bridge", "candle", "carpet", "castle", "chair", "clock"),
    *("compass", "curtain", "door", "drum", "engine", "feather", "fence", "flute", "garden", "hammer"),
    *("harbor", "helmet", "kettle", "ladder", "lantern", "letter", "mirror", "needle", "oven", "paddle"),
    *("pencil", "pillow", "ribbon", "saddle", "shovel", "spoon", "ticket", "tower", "wagon", "window"),
)
KEYS: Final = len(COLOURS) * len(MANNERS) * len(THINGS)
HOPS: Final = 4


@dataclass(frozen=True)
class Hidden:
    """One item: the `text`, the `question` after it, the beginning of its answer, and the `answers`, all of which a whole reply names."""

    text: str
    question: str
    beginning: str
    answers: tuple[str, ...]


def single(random: Random, units: int) -> Hidden:
    """Hide one number in `units` sentences that say nothing (RULER's single needle in a haystack)."""
    key, value = _key(random.randrange(KEYS)), _number(random)
    lines = [NOISE] * units
    lines.insert(random.randint(0, units), _needle(key, value))
    return _asked(key, value, lines)


def many(random: Random, units: int) -> Hidden:
    """Hide one number among `units` numbers of other things (RULER's multi-key needle in a haystack of needles)."""
    asked, *others = (_key(place) for place in random.sample(range(KEYS), units + 1))
    value = _number(random)
    lines = [_needle(key, _number(random)) for key in others]
    lines.insert(random.randint(0, units), _needle(asked, value))
    return _asked(asked, value, lines)


def chain(random: Random, units: int) -> Hidden:
    """Hide a variable and HOPS variables that are set to it one after another, in order, in `units` sentences that say nothing (RULER's variable tracking)."""
    names = _names(random, HOPS + 1)
    value = str(random.randrange(10_000, 100_000))
    steps = [f"VAR {names[0]} = {value}.", *(f"VAR {later} = VAR {earlier}." for earlier, later in pairwise(names))]
    lines = [NOISE] * units
    # From the last place to the first, so that an insertion does not move the places before it.
    places = sorted((random.randint(0, units) for _ in steps), reverse=True)
    for place, step in zip(places, reversed(steps), strict=True):
        lines.insert(place, step)
    text = "Variables are set in the text below. Remember which value each of them has.\n" + "\n".join(lines)
    question = f"Which variables have the value {value}? Name all {len(names)} of them."
    return Hidden(text, question, f"The {len(names)} variables with the value {value} are", tuple(names))


def _asked(key: str, value: str, lines: list[str]) -> Hidden:
    text = "Numbers are hidden in the text below. Remember them.\n" + "\n".join(lines)
    return Hidden(text, f"What is the number of the {key}?", f"The number of the {key} is", (value,))


def _needle(key: str, value: str) -> str:
    return f"The number of the {key} is {value}."


def _number(random: Random) -> str:
    return str(random.randrange(1_000_000, 10_000_000))


def _key(place: int) -> str:
    """Return the three words of a place from 0 to KEYS - 1, each place its own."""
    rest, thing = divmod(place, len(THINGS))
    colour, manner = divmod(rest, len(MANNERS))
    return f"{COLOURS[colour]} {MANNERS[manner]} {THINGS[thing]}"


def _names(random: Random, count: int) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(random.choices(ascii_uppercase, k=5))] = None
    return list(found)
