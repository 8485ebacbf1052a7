"""Read the questions that benchmarks will ask, without a model: a benchmark of items may offer `questions(evaluation)`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from pytest_unicomp.api.protocols import Evaluation
from pytest_unicomp.api.registry import benchmarks


@dataclass(frozen=True)
class Question:
    """The text of one item as it is put, without worked examples before it.

    `generated` marks questions written by a program from a few sentences: their parts recur everywhere, only the whole tells them apart.
    """

    id: str
    text: str
    generated: bool = False


class Asking(Protocol):
    """The optional part of an item benchmark that this module reads."""

    def questions(self, evaluation: Evaluation) -> Iterable[Question]:
        """Yield all questions, whatever the limit of the run; loads no model."""
        ...


def questions(names: Iterable[str], evaluation: Evaluation) -> Iterator[tuple[str, list[Question]]]:
    """Yield each benchmark that can tell its questions, with all of them."""
    for name in names:
        benchmark = benchmarks()[name]
        if hasattr(benchmark, "questions"):
            yield name, list(cast("Asking", benchmark).questions(evaluation))
