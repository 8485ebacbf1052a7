"""An upstream lm-eval task, unchanged, as a benchmark: give its folder, its parts and its metric in a table (see performance/arc.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.questions import Question as ItemText
from pytest_unicomp.benchmarks.selection import select
from pytest_unicomp.records import Dimension, Item
from pytest_unicomp.registry import Evaluation, Scored

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine


@dataclass(frozen=True)
class LmEvalTask:
    """One lm-eval task, or several that share data set and metric (MMLU's subjects), whose items are pooled.

    `parts` are pairs of an lm-eval task name and the data set's configuration; with several parts the configuration is the items' cluster.
    `folder` lies below lm-eval's own `tasks/`. `metric` is a key of the task's results after `filter`. Items are named `<task>/<index>`.
    """

    folder: str
    parts: tuple[tuple[str, str], ...]
    dataset: str
    capability: str
    metric: str
    source: str
    filter: str = "none"
    shots: int = 0
    generates: bool = False
    dimension: Dimension = "performance"
    sets: tuple[str, ...] = ("performance",)
    higher_is_better: bool = True
    kind: Literal["items"] = "items"

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem where the bundle lacks the data set or one of its configurations."""
        name = self.parts[0][0] if len(self.parts) == 1 else Path(self.folder).parts[0]
        files.require(name, self.dataset, self._configurations, evaluation.bundle)

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the data's digest and how the items are put; lm-eval's own version is among the run's library versions."""
        return {
            "dataset": files.digest(self.dataset, self._configurations, evaluation.bundle),
            "tasks": [task for task, _ in self.parts],
            "metric": self.metric,
            "filter": self.filter,
            "shots": self.shots,
        }

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected items to the model and score them as lm-eval does."""
        from pytest_unicomp.engine.asking import Question, ask, chance

        tasks = load_tasks(self.folder, [task for task, _ in self.parts], files.resolve(self.dataset, evaluation.bundle))
        clusters = {task: configuration if len(self.parts) > 1 else None for task, configuration in self.parts}
        names = {f"{name}/{index}": (name, index) for name, task in tasks.items() for index in range(len(task.eval_docs))}
        chosen = select(names, limit=evaluation.limit, seed=evaluation.seed)
        wanted: dict[str, list[int]] = defaultdict(list)
        for chosen_id in chosen:
            name, index = names[chosen_id]
            wanted[name].append(index)
        question = Question(metric=self.metric, filter=self.filter, shots=self.shots)
        found: dict[str, Item] = {}
        for name, indices in wanted.items():
            for item in ask(tasks[name], indices, question, engine).values():
                found[item.id] = item.model_copy(update={"cluster": clusters[name]})
        items = tuple(found[chosen_id] for chosen_id in chosen)
        return Scored(
            items=items,
            chance=0.0 if self.generates else chance(items),
            template="none",
            generation=dict(next(iter(tasks.values())).config.generation_kwargs or {}) if self.generates else {},
            engine=engine.name,
        )

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield the text of every item as the task writes it, without examples and answer; a task of two sentences joins them."""
        tasks = load_tasks(self.folder, [task for task, _ in self.parts], files.resolve(self.dataset, evaluation.bundle))
        for name, task in tasks.items():
            for index, document in enumerate(task.eval_docs):
                text = task.doc_to_text(document)
                # WinoGrande's text is the number of the right one of its two beginnings.
                yield ItemText(f"{name}/{index}", text if isinstance(text, str) else " ".join(task.doc_to_choice(document)))

    @property
    def _configurations(self) -> tuple[str, ...]:
        return tuple(configuration for _, configuration in self.parts)


def load_tasks(folder: str, names: list[str], dataset_path: str) -> dict[str, Any]:
    """Return lm-eval's task objects by name, with their data read from `dataset_path` (a folder or a hub name).

    Only `folder` below lm-eval's tasks is indexed: the index of all of them takes about ten seconds.
    """
    from lm_eval import tasks as upstream

    from pytest_unicomp.engine.quiet import quiet

    with quiet():
        manager = upstream.TaskManager(include_path=str(Path(upstream.__file__).parent / folder), include_defaults=False)
        # An inline group is lm-eval's way of loading registered tasks with one setting changed.
        group = {"group": "unicomp", "task": [{"task": name, "dataset_path": dataset_path} for name in names]}
        loaded: dict[str, Any] = manager.load([group])["tasks"]
    return {name: loaded[name] for name in names}
