"""Filters of the page's flips without JavaScript: `:has()` rules hide the flips of other recipes and benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_unicomp.report.shown_flips import Flip


@dataclass(frozen=True)
class Filter:
    """A drop-down of names: option n (from 1) has the value n and shows only the elements of class `letter` + n."""

    name: str
    title: str
    letter: str
    names: tuple[str, ...]


def filters(flips: Sequence[Flip]) -> tuple[Filter, ...]:
    """Return the filters by recipe and by benchmark; their names are in the order of the flips."""
    recipes = tuple(dict.fromkeys(flip.recipe for flip in flips))
    benchmarks = tuple(dict.fromkeys(flip.benchmark for flip in flips))
    return Filter("recipe", "Recipe", "r", recipes), Filter("benchmark", "Benchmark", "b", benchmarks)


def classes(flip: Flip, choices: Sequence[Filter]) -> str:
    """Return the CSS classes of a flip; they are numbered, so that no name from a report gets into the style sheet."""
    values = {"recipe": flip.recipe, "benchmark": flip.benchmark}
    return " ".join(f"{choice.letter}{choice.names.index(values[choice.name]) + 1}" for choice in choices)


def rules(choices: Sequence[Filter]) -> str:
    """Return the CSS rules of the filters, for screens only: print shows every flip."""
    lines = [
        f'.flips:has(#flips-by-{choice.name} [value="{number}"]:checked) .flip:not(.{choice.letter}{number})'
        for choice in choices
        for number in range(1, len(choice.names) + 1)
    ]
    if not lines:
        return ""
    return "@media screen {\n" + ",\n".join(lines) + " { display: none; }\n}\n"
