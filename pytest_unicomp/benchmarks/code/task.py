"""An lm-eval task whose replies are Python code: each is run against the item's tests in the sandbox, and only if the run was told to."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_unicomp.api.benchmark import Evaluation
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.code import sandbox, upstream
from pytest_unicomp.benchmarks.code.pass_at_k import pass_at_k
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask


@dataclass(frozen=True, kw_only=True)
class CodeTask(LmEvalTask):
    """One lm-eval task of code with lm-eval's prompts, examples, stop texts and extraction; the task's target of an item is its tests."""

    generates: bool = True
    chance: float | None = 0.0
    metric: str = "pass@1"
    sets: tuple[str, ...] = ("code",)

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "generated code, run against its tests in a sandbox"

    @property
    def runs_code(self) -> bool:
        """Return True."""
        return True

    def validate(self, evaluation: Evaluation) -> None:
        """Raise UsageProblem if data are missing, if the run was not told to run generated code, or if this machine cannot isolate it."""
        super().validate(evaluation)
        name = self.parts[0][0]
        if not evaluation.run_code:
            raise UsageProblem(
                f"unicomp: benchmark {name} runs code that the models write; expected --unicomp-run-code (`run_code = true`), which runs it in a sandbox."
            )
        why = sandbox.refusal()
        if why is not None:
            raise UsageProblem(f"unicomp: benchmark {name} runs code that the models write, and this machine has no sandbox for it: {why}.")

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the identity of an lm-eval task, with the limits of the sandbox and the version of Python that runs the code."""
        version = ".".join(platform.python_version_tuple()[:2])
        return {**super().identity(evaluation), "sandbox": {**vars(sandbox.Limits()), "python": version}}

    def _tasks(self, evaluation: Evaluation) -> dict[str, Any]:
        data = files.digest(self.dataset, self.configurations, evaluation.bundle)
        (name, _), *_ = self.parts
        generation = json.dumps(dict(self.generation or {}))
        return {name: _kept_task(self.folder, name, files.resolve(self.dataset, evaluation.bundle), generation, data)}


@lru_cache(maxsize=4)
def _kept_task(folder: str, name: str, dataset_path: str, generation: str, data: str) -> Any:
    """Load a task once per digest of its data; `generation` is JSON."""
    task: Any = upstream.load_task(folder, name, dataset_path, lambda row, replies: score(task, row, replies), json.loads(generation))
    return task


def score(task: Any, row: Mapping[str, Any], replies: list[Any]) -> dict[str, float]:
    """Return {"pass@1": estimate} of the solutions that an item's replies hold: strings, or lists of them after a filter."""
    solutions = [one for reply in replies for one in ([reply] if isinstance(reply, str) else reply)]
    tests = task.doc_to_target(row)
    right = sum(sandbox.run(solution, tests).verdict == "passed" for solution in solutions)
    return {"pass@1": pass_at_k(len(solutions), right, 1)}
