"""Filters that need no script: the style sheet hides what the chosen options do not name, and counts what is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.report.flips import Flip


@dataclass(frozen=True)
class Filter:
    """A choice among names; the option of the n-th (from 1) has the value n and leaves the elements of class `letter` + n."""

    name: str
    title: str
    letter: str
    names: tuple[str, ...]


def filters(flips: Sequence[Flip]) -> tuple[Filter, ...]:
    """Return the choices of recipe and of benchmark, each in the order in which the flips first name it."""
    recipes = tuple(dict.fromkeys(flip.recipe for flip in flips))
    benchmarks = tuple(dict.fromkeys(flip.benchmark for flip in flips))
    return Filter("recipe", "Recipe", "r", recipes), Filter("benchmark", "Benchmark", "b", benchmarks)


def classes(flip: Flip, choices: Sequence[Filter]) -> str:
    """Return the classes by which the style sheet finds a flip; they are numbers, so no name of a model gets into the style sheet."""
    values = {"recipe": flip.recipe, "benchmark": flip.benchmark}
    return " ".join(f"{choice.letter}{choice.names.index(values[choice.name]) + 1}" for choice in choices)


def rules(choices: Sequence[Filter]) -> str:
    """Return the style rules of the choices, for a screen; paper always gets everything."""
    lines = [
        f'.flips:has(#flips-by-{choice.name} [value="{number}"]:checked) .flip:not(.{choice.letter}{number})'
        for choice in choices
        for number in range(1, len(choice.names) + 1)
    ]
    if not lines:
        return ""
    return "@media screen {\n" + ",\n".join(lines) + " { display: none; }\n}\n"
