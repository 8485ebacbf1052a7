"""An lm-eval task by its name, `lm-eval:arc_easy,metric=acc_norm`: what is asked, scored and averaged is read from the task itself.

A group is the pool of its tasks, with the task as the items' cluster. A metric that is no mean over items cannot be paired, and is refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pytest_unicomp.api.errors import UsageProblem, nearest
from pytest_unicomp.benchmarks import lm_eval_yaml
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask
from pytest_unicomp.benchmarks.lm_eval_yaml import Function, TaskFile
from pytest_unicomp.store.file_digests import file_digest

PREFIX: Final = "lm-eval:"
SETTINGS: Final = ("metric", "filter", "shots")
# The metrics of a task that states none, and the aggregation of each known one (lm_eval/api/metrics.py).
DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "multiple_choice": ("acc", "acc_norm"),
    "loglikelihood": ("perplexity", "acc"),
    "loglikelihood_rolling": ("word_perplexity", "byte_perplexity", "bits_per_byte"),
    "generate_until": ("exact_match",),
}
MEANS: Final = ("mean", "nanmean")
ITEMWISE: Final = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "acc_all", "likelihood")
LOWER_IS_BETTER: Final = ("perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "ter", "brier_score")
OF_OPTIONS: Final = ("acc", "acc_norm", "acc_bytes", "exact_match")
# Of the settings that are read here.
TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "dataset_path": (str, "a path or a name of the hub"),
    "dataset_name": (str, "the name of a configuration"),
    "metric_list": (list, "a list of metrics"),
    "filter_list": (list, "a list of filters"),
    "num_fewshot": (int, "a whole number"),
}
FILES: Final = ("json", "csv", "parquet", "text", "arrow")


@dataclass(frozen=True)
class TaskName:
    """`lm-eval:TASK` with any of `metric`, `filter` and `shots`; the task is a name, or the path of a YAML file."""

    spelling: str
    task: str
    settings: Mapping[str, str]

    @classmethod
    def parse(cls, spelling: str) -> TaskName:
        """Read a spelling that begins with `lm-eval:`; raise UsageProblem for a setting that there is none of."""
        task, *parts = spelling.removeprefix(PREFIX).split(",")
        found: dict[str, str] = {}
        for part in parts:
            key, _, value = part.partition("=")
            if key not in SETTINGS or not value or key in found:
                raise UsageProblem(
                    f"unicomp: {spelling!r}: {part!r} is no setting of a task; expected {', '.join(f'{one}=...' for one in SETTINGS)}."
                )
            found[key] = value
        if not task.strip():
            raise UsageProblem(f"unicomp: {spelling!r} names no task; expected lm-eval:NAME, such as lm-eval:arc_easy.")
        return cls(spelling, task.strip(), found)

    @property
    def file(self) -> Path | None:
        """Return the YAML file that is named, None for a name of lm-eval's."""
        return Path(self.task).expanduser().resolve() if self.task.endswith((".yaml", ".yml")) else None


def benchmark(spelling: str, *, trusted: Sequence[str] = (), capability: str = "other") -> LmEvalTask:
    """Return the benchmark that a spelling means; raise UsageProblem if there is no such task, or if its items cannot be paired.

    A YAML file runs code of its own (functions and templates), so it must be among the `trusted` paths.
    """
    name = TaskName.parse(spelling)
    tasks = _files(name, trusted)
    metrics = {_metric(name, one) for one in tasks}
    datasets = {(str(one.settings.get("dataset_path") or ""), str(one.settings.get("output_type") or "generate_until")) for one in tasks}
    shots = {_shots(name, one) for one in tasks}
    for what, values in (("data sets", datasets), ("metrics", metrics), ("numbers of shots", shots)):
        if len(values) > 1:
            shown = ", ".join(sorted({str(value[0]) if isinstance(value, tuple) else str(value) for value in values})[:4])
            raise UsageProblem(
                f"unicomp: the tasks of {name.task} have different {what} ({shown}), and are not one benchmark; name its tasks."
            )
    (dataset, output), (metric, filtering, higher) = datasets.pop(), metrics.pop()
    return LmEvalTask(
        folder=str(_common(one.path.parent for one in tasks)),
        parts=tuple((str(one.settings["task"]), str(one.settings.get("dataset_name") or "default")) for one in tasks),
        dataset=dataset,
        capability=capability,
        metric=metric,
        higher_is_better=higher,
        filter=filtering,
        shots=shots.pop(),
        generates=output == "generate_until",
        chance=0.0 if output == "generate_until" else None,
        chance_from_options=output == "multiple_choice" and metric in OF_OPTIONS,
        max_gen_toks=max(_limit(one) for one in tasks),
        definition=_digest(tasks) if name.file is not None else "",
        sets=(),
        source=f"lm-eval task {name.task}",
    )


def _digest(tasks: Sequence[TaskFile]) -> str:
    """Return 16 hex digits over what shapes what is asked: the tasks' files and those that they include, and the YAML and Python files beside these."""
    read = [path for one in tasks for path in lm_eval_yaml.included(one.path)]
    beside = [path for folder in dict.fromkeys(path.parent for path in read) for path in sorted(folder.iterdir())]
    files = dict.fromkeys((*read, *(path for path in beside if path.suffix in (".yaml", ".yml", ".py") and path.is_file())))
    return hashlib.sha256("".join(file_digest(path) for path in files).encode()).hexdigest()[:16]


def _files(name: TaskName, trusted: Sequence[str]) -> list[TaskFile]:
    file = name.file
    if file is None:
        tasks = lm_eval_yaml.packaged(name.task)
    else:
        if file not in {Path(one).expanduser().resolve() for one in trusted}:
            raise UsageProblem(
                f"unicomp: {name.task} may run code of its own (functions and templates of lm-eval); read it, and if you trust it give "
                f"--unicomp-trust-task={name.task}."
            )
        if file.suffix != ".yaml":
            raise UsageProblem(f"unicomp: {name.task} does not end in .yaml, and lm-eval reads no other files; rename it.")
        tasks = [TaskFile(file, lm_eval_yaml.read(file))]
        _require_only(tasks[0])
    for one in tasks:
        _require_usable(name, one)
    return tasks


def _require_only(one: TaskFile) -> None:
    """Raise UsageProblem if another file in or below the task's folder gives its name to a task, group or tag: lm-eval would take the first of them."""
    name = one.settings.get("task")
    for path in sorted(one.path.parent.glob("**/*.yaml")):
        try:
            other = {} if path.resolve() == one.path else lm_eval_yaml.read(path)
        except UsageProblem:
            # No task, as lm-eval finds too.
            continue
        tags = other.get("tag") or []
        if name in (other.get("task"), other.get("group"), *(tags if isinstance(tags, list) else [tags])):
            raise UsageProblem(f"unicomp: {path} has the name {name!r} too, and lm-eval would take one of the two; rename one.")


def _require_usable(name: TaskName, one: TaskFile) -> None:
    """Raise UsageProblem for what is no task of questions and answers on a data set, and for the first setting that is of a wrong type."""
    settings, task = one.settings, one.settings.get("task")
    where = str(task) if isinstance(task, str) else one.path.name
    why = None
    if "class" in settings:
        why = "is a Python class, whose items and metrics cannot be read before it runs"
    elif not isinstance(task, str):
        why = "is no single task"
    elif settings.get("unsafe_code"):
        why = "runs generated code; the benchmarks humaneval and mbpp do that in a sandbox"
    elif settings.get("custom_dataset") or not settings.get("dataset_path"):
        why = "makes its data while it runs, so that what is asked cannot be known before"
    elif settings.get("dataset_path") in FILES:
        why = f"reads files by lm-eval's loader {settings['dataset_path']!r}; give it a folder in the hub's layout as its dataset_path"
    for key, (kind, expected) in TYPES.items():
        value = settings.get(key)
        if why is None and value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            why = f"has {str(value)[:60]!r} as its {key}; expected {expected}"
    if why:
        raise UsageProblem(f"unicomp: the lm-eval task {where} of {name.spelling!r} {why}.")


def _metric(name: TaskName, one: TaskFile) -> tuple[str, str, bool]:
    """Return metric, filter and direction; raise UsageProblem if the metric is unknown, or no mean over items."""
    output = str(one.settings.get("output_type") or "generate_until")
    stated = one.settings.get("metric_list") or [{"metric": metric} for metric in DEFAULTS.get(output, ())]
    known = {_called(entry["metric"]): entry for entry in stated if isinstance(entry, Mapping) and "metric" in entry}
    paired = [metric for metric, entry in known.items() if _is_mean(metric, entry)]
    task = one.settings["task"]
    asked = name.settings.get("metric") or next(iter(paired or known), "")
    if asked not in known:
        raise UsageProblem(
            f"unicomp: the lm-eval task {task} has no metric {asked!r}; expected {', '.join(known) or 'one'}.{nearest(asked, known)}"
        )
    if asked not in paired:
        how = known[asked].get("aggregation")
        instead = f"expected metric={' or metric='.join(paired)}" if paired else "expected a task with a metric that is a mean over items"
        raise UsageProblem(
            f"unicomp: the lm-eval task {task}: {asked} is aggregated over the whole set ({_called(how) if how else 'by its default'}) and is no mean "
            f"over items, which therefore cannot be paired; {instead}."
        )
    higher = known[asked].get("higher_is_better", asked not in LOWER_IS_BETTER)
    return asked, _filter(name, one), bool(higher)


def _filter(name: TaskName, one: TaskFile) -> str:
    known = [str(entry.get("name")) for entry in one.settings.get("filter_list") or [] if isinstance(entry, Mapping)] or ["none"]
    asked = name.settings.get("filter", known[0])
    if asked not in known:
        raise UsageProblem(
            f"unicomp: the lm-eval task {one.settings['task']} has no filter {asked!r}; expected {', '.join(known)}.{nearest(asked, known)}"
        )
    return asked


def _shots(name: TaskName, one: TaskFile) -> int:
    asked = name.settings.get("shots")
    if asked is not None and not (asked.isdecimal() and len(asked) < 4):
        raise UsageProblem(f"unicomp: {name.spelling!r}: shots is {asked!r}; expected a whole number, such as shots=5.")
    return int(asked if asked is not None else one.settings.get("num_fewshot") or 0)


def _limit(one: TaskFile) -> int:
    """Return the task's own limit of a reply in tokens; lm-eval's default if it states none."""
    stated = one.settings.get("generation_kwargs")
    found = stated.get("max_gen_toks") if isinstance(stated, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else LmEvalTask.max_gen_toks


def _is_mean(metric: str, entry: Mapping[str, Any]) -> bool:
    how = entry.get("aggregation")
    return metric in ITEMWISE if how is None else isinstance(how, str) and how in MEANS


def _called(given: Any) -> str:
    return given.name.rpartition(".")[2] if isinstance(given, Function) else str(given)


def _common(folders: Any) -> Path:
    """Return the folder that holds all the given ones."""
    found = sorted(set(folders))
    common: Path = found[0]
    while any(not folder.is_relative_to(common) for folder in found):
        common = common.parent
    return common
