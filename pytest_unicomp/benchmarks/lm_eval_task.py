"""An upstream lm-eval task, unchanged, as a benchmark: give its folder, its parts and its metric in a table (see performance/arc.py).

There are two ways of asking reasoning questions: lm-eval's own prompts, and the UniComp paper's (arXiv 2602.09130, section 2.1 of its protocol), with
the worked examples as turns of a chat and greedy replies up to a token limit that end at the end-of-sequence token alone. A benchmark whose name ends
in `-paper` asks the second way, on the prompts and with the answer extraction of lm-eval's task; the report names its shots, template and generation.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_unicomp.api.benchmark import Evaluation, ItemBenchmark, ItemText, ItemTokens, Piece, Scored
from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import Item
from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.items import select
from pytest_unicomp.checkpoints.hub_errors import explained

if TYPE_CHECKING:
    from pytest_unicomp.engine import Engine

# lm-eval's own default (`simple_evaluate(random_seed=0)`).
TASK_SEED = 0


@dataclass(frozen=True, kw_only=True)
class LmEvalTask(ItemBenchmark):
    """One lm-eval task, or several that share data set and metric (MMLU's subjects), whose items are pooled.

    `parts` are pairs of an lm-eval task name and the data set's configuration; with several parts the configuration is the items' cluster.
    `folder` lies below lm-eval's own `tasks/`. `metric` is a key of the task's results after `filter`. Items are named `<task>/<index>`.
    `cluster_by` names document fields that items share. `chat` puts each example as a turn of the chat template, if the model has one.
    `generation` replaces the task's own generation settings. `items` and `chance` are those of the whole upstream set; `chance_from_options`
    is False if a blind guess does not score 1 / options.
    `options_field` names the document field that lists the options of a question that is answered in generated text: chance is the mean of 1 / options.
    `max_gen_toks` is the task's own limit of a reply, in tokens, from which a run's duration is estimated unless `generation` states one.
    `definition` is a digest of the files of a task that is not lm-eval's own.
    """

    folder: str
    parts: tuple[tuple[str, str], ...]
    filter: str = "none"
    generates: bool = False
    chat: bool = False
    generation: Mapping[str, Any] | None = None
    cluster_by: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    install: str = ""
    gated: bool = False
    chance_from_options: bool = True
    options_field: str = ""
    max_gen_toks: int = 256
    group: str = ""
    definition: str = ""
    sets: tuple[str, ...] = ("performance",)

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if the bundle lacks the data set or one of its configurations, or if a library is not installed."""
        name = self.parts[0][0] if len(self.parts) == 1 else Path(self.folder).parts[0]
        files.require(self.dataset, self.configurations, evaluation.bundle)
        files.require_libraries(name, self.requires, self.install)

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the data's digest and the prompt settings; lm-eval's version is among the run's library versions."""
        return {
            "dataset": files.digest(self.dataset, self.configurations, evaluation.bundle),
            "tasks": [task for task, _ in self.parts],
            "metric": self.metric,
            "filter": self.filter,
            "shots": self.shots,
            "chat": self.chat,
            "generation": dict(self.generation) if self.generation else None,
            **({"definition": self.definition} if self.definition else {}),
        }

    def score(self, engine: Engine, evaluation: Evaluation) -> Scored:
        """Put the selected items to the model and score them as lm-eval does."""
        from pytest_unicomp.engine.prompts import PromptCache
        from pytest_unicomp.engine.task_requests import TaskSetup, score_documents

        tasks = self._tasks(evaluation)
        names = {f"{name}/{index}": (name, index) for name, task in tasks.items() for index in range(len(task.eval_docs))}
        chosen = select(names, limit=evaluation.limit, seed=evaluation.seed, only=evaluation.only)
        wanted: dict[str, list[int]] = defaultdict(list)
        for chosen_id in chosen:
            name, index = names[chosen_id]
            wanted[name].append(index)
        chat = self.chat and engine.has_chat_template
        setup = TaskSetup(metric=self.metric, filter=self.filter, shots=self.shots, chat=chat)
        found: dict[str, Item] = {}
        shaped_by = {
            **self.identity(evaluation),
            "put as a chat": chat,
            "rendered": engine.template(chat=chat),
            "template_arguments": list(evaluation.template_arg),
        }
        for name, indices in wanted.items():
            prompts = PromptCache(engine.store, name, shaped_by, engine.tokenizer)
            for index, item in score_documents(tasks[name], indices, setup, engine, prompts).items():
                found[item.id] = item.model_copy(update={"cluster": self._cluster(name, tasks[name].eval_docs[index])})
        items = tuple(found[chosen_id] for chosen_id in chosen)
        if (outside := next((item for item in items if item.score is not None and not 0 <= item.score <= 1), None)) is not None:
            raise InfrastructureError(
                f"unicomp: {self.metric} of {outside.id} is {outside.score:g}; expected a score from 0 to 1, as items are compared by; name another metric."
            )
        return Scored(
            items=items,
            chance=self._chance(tasks, items),
            template=engine.template(chat=chat),
            generation=dict(next(iter(tasks.values())).config.generation_kwargs or {}) if self.generates else {},
            engine=engine.name,
        )

    def questions(self, evaluation: Evaluation) -> Iterator[ItemText]:
        """Yield the text of every item as the task writes it, without examples and answer; a task of two sentences joins them."""
        tasks = self._tasks(evaluation)
        for name, task in tasks.items():
            for index, document in enumerate(task.eval_docs):
                text = task.doc_to_text(document)
                # WinoGrande's text is the number of the right one of its two beginnings.
                yield ItemText(f"{name}/{index}", text if isinstance(text, str) else " ".join(task.doc_to_choice(document)))

    def typical_tokens(self, evaluation: Evaluation) -> ItemTokens:
        """Return a question of some 60 tokens with its options, or of 100 with half the allowed reply, and as many for each example."""
        if not self.generates:
            return ItemTokens(60.0 * (1 + self.shots), 0.0)
        longest = float((self.generation or {}).get("max_gen_toks", self.max_gen_toks))
        return ItemTokens(100.0 * (1 + self.shots), longest / 2)

    def pieces(self) -> tuple[Piece, ...]:
        """Return the data set."""
        return (Piece("dataset", self.dataset),)

    @property
    def configurations(self) -> tuple[str, ...]:
        """Return the configurations of the data set that are read, each once."""
        return tuple(dict.fromkeys(configuration for _, configuration in self.parts))

    @property
    def reads_likelihoods(self) -> bool:
        """Return True unless its items are answered in generated text."""
        return not self.generates

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        if self.generates:
            return f"generated reply, lm-eval {self.metric}" + ("" if self.filter == "none" else f" after {self.filter}")
        length = " per character" if self.metric == "acc_norm" else ""
        return f"log-likelihood of the options{length}"

    def _tasks(self, evaluation: Evaluation) -> dict[str, Any]:
        names = tuple(task for task, _ in self.parts)
        settings, data = json.dumps(dict(self.generation or {})), files.digest(self.dataset, self.configurations, evaluation.bundle)
        return _kept_tasks(self.folder, names, files.resolve(self.dataset, evaluation.bundle), settings, data)

    def _chance(self, tasks: Mapping[str, Any], items: Sequence[Item]) -> float | None:
        """Return what a blind guess scores on the items, by the options that their documents or their likelihoods show, else as the entry states it."""
        from pytest_unicomp.engine.task_requests import chance_level

        if self.options_field and items:
            places = (item.id.rsplit("/", 1) for item in items)
            return sum(1 / len(tasks[name].eval_docs[int(index)][self.options_field]) for name, index in places) / len(items)
        return self.chance if self.generates or not self.chance_from_options else chance_level(items)

    def _cluster(self, name: str, document: Mapping[str, Any]) -> str | None:
        if self.cluster_by:
            return "/".join(str(document[field]) for field in self.cluster_by)
        if len(self.parts) > 1:
            return dict(self.parts)[name] if len(self.configurations) > 1 else name
        return None


@lru_cache(maxsize=8)
def _kept_tasks(folder: str, names: tuple[str, ...], dataset_path: str, generation: str, data: str) -> dict[str, Any]:
    """Load tasks once per digest of their data: all recipes of a run need the same ones, which take seconds to read. `generation` is JSON."""
    settings = json.loads(generation)
    with read_anew(data) if Path(dataset_path).is_absolute() else nullcontext():
        return load_tasks(folder, list(names), dataset_path, {"generation_kwargs": settings} if settings else {})


@contextmanager
def read_anew(data: str) -> Iterator[None]:
    """Have `datasets` keep what it reads meanwhile in a folder of its own for the digest `data`.

    Its cache knows a folder with a README by its configurations, not by the content of its files: changed files would be answered with old rows.
    """
    from datasets import config

    before = config.HF_DATASETS_CACHE
    config.HF_DATASETS_CACHE = Path(before) / f"unicomp-{data}"
    try:
        yield
    finally:
        config.HF_DATASETS_CACHE = before


def load_tasks(folder: str, names: list[str], dataset_path: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return lm-eval's task objects by name, with their data read from `dataset_path` (a folder or a hub name) and `settings` replaced.

    Raises UnicompError if a data set of the hub cannot be fetched. Only `folder` below lm-eval's tasks is indexed: the index of all of them takes about ten seconds.
    """
    from lm_eval import tasks as upstream

    from pytest_unicomp.engine.quiet_libraries import quiet

    with quiet(), _seeded():
        manager = upstream.TaskManager(include_path=str(Path(upstream.__file__).parent / folder), include_defaults=False)
        # An inline group is lm-eval's way of loading registered tasks with one setting changed.
        changed = {"dataset_path": dataset_path, **(settings or {})}
        group = {"group": "unicomp", "task": [{"task": name, **changed} for name in names]}
        try:
            loaded: dict[str, Any] = manager.load([group])["tasks"]
        except Exception as error:
            # Whatever the hub's client raises, its chain of causes says which it is; for files of a bundle the error is raised as it is.
            if Path(dataset_path).is_absolute():
                raise
            raise explained(f"the data set {dataset_path}", error) from error
    return {name: loaded[name] for name in names}


@contextmanager
def _seeded() -> Iterator[None]:
    """Seed the global generator as lm-eval does, and restore it: GPQA shuffles its options with it while it loads."""
    state = random.getstate()
    random.seed(TASK_SEED)
    try:
        yield
    finally:
        random.setstate(state)
