"""Keeps the right options of a benchmark's items, so that `acc` can be counted from stored log-likelihoods where the benchmark's own metric is `acc_norm`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pytest_unicomp.api.records import Item, Measurement
from pytest_unicomp.benchmarks import dataset
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask, load_tasks
from pytest_unicomp.store.local import write_text

Gold = dict[str, int]


def file_in(folder: Path, model: str, benchmark: str) -> Path:
    """Return the file of a benchmark's right options."""
    return folder / model / f"gold-{benchmark}.json"


def read(path: Path) -> Gold:
    """Return the index of the right option by item; empty if none are kept."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def keep(benchmark: LmEvalTask, items: Iterable[Item], bundle: Path | None, path: Path) -> None:
    """Look the right options of items up in the data set, and write them."""
    names = [task for task, _ in benchmark.parts]
    tasks = load_tasks(benchmark.folder, names, dataset.resolve(benchmark.dataset, bundle))
    found = {}
    for item in items:
        name, _, index = item.id.partition("/")
        found[item.id] = int(tasks[name].doc_to_target(tasks[name].eval_docs[int(index)]))
    write_text(path, f"{json.dumps(found, sort_keys=True)}\n")


def plain_accuracy(measured: Measurement, gold: Gold) -> list[float]:
    """Return, for each item whose right option is known, 1 if that has the largest log-likelihood, not divided by its length, and else 0."""
    rows = [(item.log_probabilities, gold[item.id]) for item in measured.items if item.log_probabilities and item.id in gold]
    return [float(max(range(len(sums)), key=sums.__getitem__) == right) for sums, right in rows]
