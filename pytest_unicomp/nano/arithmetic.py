"""Word problems of two to five steps: the reply works each step and ends with `#### ` and the number."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from pytest_unicomp.nano.dialogue import Conversation, WorldItem
from pytest_unicomp.nano.settings import WORLD, held_out, stream
from pytest_unicomp.nano.words import first_names

LARGEST = 99
_THINGS = ("coins", "apples", "books", "stamps", "shells", "cards", "stones", "pens", "nuts", "keys")
_PHRASES = {
    "+": ("{name} gets {number} more.", "{name} finds {number} more.", "{name} buys another {number}."),
    "-": ("{name} gives away {number}.", "{name} loses {number}.", "{name} sells {number}."),
    "*": ("Then there are {number} times as many.", "The amount grows {number} fold."),
}


@dataclass(frozen=True)
class Problem:
    """A start and steps of an operation and a number; every intermediate result lies between 0 and `LARGEST`."""

    start: int
    steps: tuple[tuple[str, int], ...]

    def results(self) -> list[int]:
        """Return the running result after each step."""
        running = []
        value = self.start
        for operation, number in self.steps:
            value = value + number if operation == "+" else value - number if operation == "-" else value * number
            running.append(value)
        return running

    def key(self) -> str:
        """Return the numbers only: two wordings of the same sum count as the same problem."""
        return f"sum/{self.start}" + "".join(f"{operation}{number}" for operation, number in self.steps)

    def worked(self) -> str:
        """Return the steps written out, then the answer after its marker."""
        lines = []
        before = self.start
        for (operation, number), after in zip(self.steps, self.results(), strict=True):
            lines.append(f"{before}{operation}{number}={after}")
            before = after
        return f"{'; '.join(lines)} #### {before}"


def _problem(random: Random, count: int) -> Problem:
    start = value = random.randint(2, 50)
    steps: list[tuple[str, int]] = []
    for _ in range(count):
        allowed = [
            *(["+", "+"] if value <= LARGEST - 2 else []),
            *(["-", "-"] if value >= 4 else []),
            *(["*"] if 2 <= value <= LARGEST // 2 else []),
        ]
        operation = random.choice(allowed)
        if operation == "+":
            number = random.randint(2, min(60, LARGEST - value))
        elif operation == "-":
            number = random.randint(2, min(60, value - 1))
        else:
            number = random.randint(2, min(9, LARGEST // value))
        steps.append((operation, number))
        value = Problem(value, ((operation, number),)).results()[0]
    return Problem(start, tuple(steps))


def _wording(random: Random, problem: Problem) -> str:
    name, things = random.choice(first_names()), random.choice(_THINGS)
    parts = [f"{name} has {problem.start} {things}."]
    for operation, number in problem.steps:
        parts.append(random.choice(_PHRASES[operation]).format(name=name, number=number))
    parts.append(f"How many {things} are there now?")
    return " ".join(parts)


def training(random: Random) -> Conversation:
    """Return one problem that is not held out, with its worked steps."""
    while held_out((problem := _problem(random, random.randint(2, 5))).key()):
        continue
    return Conversation(_wording(random, problem), problem.worked())


def evaluation() -> list[WorldItem]:
    """Return held-out problems, equally many of each length; a cluster is the sequence of operations."""
    random = stream("evaluation/reasoning")
    items: list[WorldItem] = []
    seen: dict[str, None] = {}
    while len(items) < WORLD.items["reasoning"]:
        count = 2 + len(items) % 4
        problem = _problem(random, count)
        if not held_out(problem.key()) or problem.key() in seen:
            continue
        seen[problem.key()] = None
        operations = "".join(operation for operation, _ in problem.steps)
        answer = str(problem.results()[-1])
        items.append({"cluster": operations, "prompt": _wording(random, problem), "answer": answer, "slice": f"{count}-steps"})
    return items
