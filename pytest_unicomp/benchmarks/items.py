"""Selects the items of a run, in a seeded order, and reads their prompts without loading a model."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping

from pytest_unicomp.api.benchmark import Benchmark, Evaluation, ItemBenchmark, ItemText


def select(ids: Iterable[str], *, limit: int | None, seed: int, only: Collection[str] | None = None) -> list[str]:
    """Return the first `limit` of the ids (None = all) in the order of sha256("seed:id"), and of those the ones in `only` (None = all).

    The place of an id depends on itself and the seed alone, so neither the limit nor the order in which the ids are listed matters: the items of a
    smaller limit are the first of those of a larger one.
    """
    ordered = sorted(ids, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    limited = ordered if limit is None else ordered[:limit]
    return limited if only is None else [name for name in limited if name in only]


def questions(entries: Mapping[str, Benchmark], evaluation: Evaluation) -> Iterator[tuple[str, list[ItemText]]]:
    """Yield each benchmark that offers the text of its items, with all of it."""
    for name, benchmark in entries.items():
        if isinstance(benchmark, ItemBenchmark) and (found := list(benchmark.questions(evaluation))):
            yield name, found
