"""Reads an lm-eval task that runs code, with its prompts, examples and extraction, and without what it does when it is imported.

Those tasks fetch a script from the hub and run generated code as soon as their module is imported, so the module is never imported: its functions
are defined from its source, and the rest of it is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pytest_unicomp.benchmarks import lm_eval_yaml
from pytest_unicomp.engine.quiet_libraries import quiet

# Keys of a task that this package replaces: scores come from the sandbox, and the opt-in is this package's own.
REPLACED = ("unsafe_code", "metric_list")
Score = Callable[[Mapping[str, Any], list[Any]], dict[str, float]]


def load_task(folder: str, name: str, dataset_path: str, score: Score, generation: Mapping[str, Any]) -> Any:
    """Return lm-eval's task object for `folder`/`name`.yaml below its tasks, with the data at `dataset_path`, scored by `score`.

    `generation` replaces its own generation settings unless it is empty.
    """
    from lm_eval import tasks
    from lm_eval.api.task import ConfigurableTask

    file = Path(tasks.__file__).parent / folder / f"{name}.yaml"
    settings = {key: value for key, value in configuration(file).items() if key not in REPLACED}
    settings |= {"dataset_path": dataset_path, "process_results": score}
    if generation:
        settings["generation_kwargs"] = dict(generation)
    with quiet():
        return ConfigurableTask(config=settings)


def configuration(file: Path) -> dict[str, Any]:
    """Return a task's file with what it includes, and with `!function utils.NAME` as that function of the module beside the file."""
    return {key: _with_functions(value, file.parent) for key, value in lm_eval_yaml.read(file).items()}


def _with_functions(value: Any, folder: Path) -> Any:
    if isinstance(value, lm_eval_yaml.Function):
        module, _, name = value.name.rpartition(".")
        return functions(folder / f"{module}.py")[name]
    if isinstance(value, Mapping):
        return {key: _with_functions(inner, folder) for key, inner in value.items()}
    return [_with_functions(inner, folder) for inner in value] if isinstance(value, list) else value


def functions(file: Path) -> dict[str, Any]:
    """Return the functions of a module by name; of its other statements only imports of the standard library's `re` and `typing` are executed."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    tree.body = [statement for statement in tree.body if isinstance(statement, ast.FunctionDef) or _harmless(statement)]
    found: dict[str, Any] = {}
    exec(compile(tree, str(file), "exec"), found)
    return found


def _harmless(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.ImportFrom):
        return statement.module == "typing"
    return isinstance(statement, ast.Import) and all(one.name == "re" for one in statement.names)
