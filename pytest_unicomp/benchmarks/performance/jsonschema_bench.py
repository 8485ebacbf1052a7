"""JSONSchemaBench: JSON schemas found on GitHub; a reply is right if it is JSON that is valid under its schema (Geng et al., arXiv 2501.10868).

A row: {"json_schema": "{\\"type\\": \\"object\\", \\"properties\\": {...}}", "unique_id": "Github_easy---o10009"}. Prompts and the two examples are lm-eval's.
Validity is that of the scorer `json_schema`: draft 2020-12 whatever the schema states, as in lm-eval, with a time limit for patterns and without fetching
references; formats are those that need no other library. Under a schema that cannot be used so, no reply is right. lm-eval's limit of 256 tokens cuts
most objects, so it is 1,024 here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pytest_unicomp.api.benchmark import Evaluation
from pytest_unicomp.benchmarks import dataset as files
from pytest_unicomp.benchmarks.lm_eval_task import LmEvalTask, load_tasks
from pytest_unicomp.benchmarks.own import schemas
from pytest_unicomp.benchmarks.replies import greedy

METRIC = "schema_compliance"
# What jsonschema checks by the standard library alone; other formats depend on what is installed.
FORMATS = ("date", "email", "ipv4", "ipv6", "uuid")


@dataclass(frozen=True, kw_only=True)
class SchemaTask(LmEvalTask):
    """One of lm-eval's tasks of JSON schemas, scored by this package's own validation."""

    @property
    def scorer(self) -> str:
        """Return the way in which an item is scored, as a phrase for the report."""
        return "generated JSON, valid under its schema"

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return the identity of an lm-eval task, with the formats that are checked."""
        return {**super().identity(evaluation), "formats": list(FORMATS)}

    def _tasks(self, evaluation: Evaluation) -> dict[str, Any]:
        data = files.digest(self.dataset, self.configurations, evaluation.bundle)
        generation = json.dumps(dict(self.generation or {}))
        return _kept_tasks(self.folder, self.parts[0][0], files.resolve(self.dataset, evaluation.bundle), generation, data)


@lru_cache(maxsize=4)
def _kept_tasks(folder: str, name: str, dataset_path: str, generation: str, data: str) -> dict[str, Any]:
    """Load a task once per digest of its data; `generation` is JSON."""
    return load_tasks(folder, [name], dataset_path, {"generation_kwargs": json.loads(generation), "process_results": score})


def score(row: Mapping[str, Any], replies: list[str]) -> dict[str, float | None]:
    """Return the score of a reply, 1.0 or 0.0; None if a pattern of the schema took too long, or references did not end."""
    schema = json.loads(row["json_schema"])
    usable = schemas.fault(schema) is None
    valid = schemas.valid(schema, replies[0], formats=FORMATS) if usable else False
    return {METRIC: None if valid is None else float(valid)}


def _part(size: str) -> SchemaTask:
    return SchemaTask(
        folder="jsonschema_bench",
        parts=((f"jsonschema_bench_{size}", f"Github_{size}"),),
        dataset="epfl-dlab/JSONSchemaBench",
        capability="tool_use",
        metric=METRIC,
        shots=2,
        generates=True,
        chat=True,
        generation={**greedy(1024), "until": ["\n\n"]},
        chance=0.0,
        sets=("structured",),
        source=f"lm-eval task jsonschema_bench_{size}; Geng et al. 2025, arXiv 2501.10868",
    )


BENCHMARKS = {f"jsonschema_bench_{size}": _part(size) for size in ("easy", "medium", "hard")}
