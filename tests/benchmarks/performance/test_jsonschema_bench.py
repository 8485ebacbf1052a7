"""JSON is valid under its schema or not, with lm-eval's prompts and verdicts, and no schema of the data can hold up a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_unicomp.api.errors import MissingPiece
from pytest_unicomp.benchmarks import lm_eval_name
from pytest_unicomp.benchmarks.own import patterns
from pytest_unicomp.benchmarks.performance.jsonschema_bench import BENCHMARKS, METRIC, score
from pytest_unicomp.engine import Engine
from tests.benchmarks.hub_rows import rows
from tests.engine.toy_engine import canned, evaluation

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}, "day": {"format": "date"}}, "required": ["age"]}
# A reply, and whether it is valid under SCHEMA.
REPLIES = [
    ('{"age": 3}', 1.0),
    ('```json\n{"age": 3, "day": "2026-12-01"}\n```', 1.0),
    ('{"age": 3, "day": "tomorrow"}', 0.0),
    ('{"age": "3"}', 0.0),
    ("{}", 0.0),
    ('{"age": 3', 0.0),
    ("Three.", 0.0),
]


def graded(schema: Any, reply: str) -> float | None:
    return score({"json_schema": json.dumps(schema)}, [reply])[METRIC]


@pytest.mark.parametrize(("reply", "expected"), REPLIES)
def test_a_reply_has_the_score_that_lm_eval_gives_it(reply: str, expected: float) -> None:
    from lm_eval.tasks.jsonschema_bench.metrics import schema_compliance

    assert graded(SCHEMA, reply) == expected
    assert float(schema_compliance([json.dumps(SCHEMA)], [reply])) == expected


@pytest.mark.parametrize("schema", [{"type": 3}, {"$ref": "http://elsewhere/schema.json"}, {"exclusiveMinimum": True}])
def test_under_a_schema_that_cannot_be_used_no_reply_is_right(schema: Any, offline: None) -> None:
    assert graded(schema, "{}") == 0.0


def test_a_pattern_that_never_ends_leaves_the_item_without_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns.found, "__kwdefaults__", {"seconds": 0.05})
    assert graded({"pattern": r"^(([a-z])+.)+[A-Z]([a-z])+$"}, json.dumps("a" * 4000)) is None


@pytest.mark.parametrize("size", ["easy", "medium", "hard"])
def test_an_entry_says_what_the_installed_task_says(size: str) -> None:
    entry, task = BENCHMARKS[f"jsonschema_bench_{size}"], lm_eval_name.benchmark(f"lm-eval:jsonschema_bench_{size},metric={METRIC}")
    same = ("parts", "dataset", "metric", "filter", "shots", "generates", "higher_is_better")
    assert [vars(entry)[field] for field in same] == [vars(task)[field] for field in same]


def test_schemas_are_put_after_two_examples_and_replies_are_validated(tiny: Engine, tmp_path: Path, offline: None) -> None:
    found = [{"json_schema": json.dumps({**SCHEMA, "title": f"number {one}"}), "unique_id": f"Github_easy---{one}"} for one in range(4)]
    # The splits of the hub, which are not those that lm-eval's task names.
    for split in ("train", "val", "test"):
        rows(tmp_path, f"epfl-dlab/JSONSchemaBench/Github_easy/{split}.jsonl", *found)
    entry = BENCHMARKS["jsonschema_bench_easy"]
    entry.validate(evaluation(tmp_path))

    def reply(prompt: str) -> str:
        return '{"age": 1}' if "number 0" in prompt or "number 1" in prompt else "no"

    scored = entry.score(canned(tiny, reply), evaluation(tmp_path))
    assert {item.id.rsplit("/")[-1]: item.score for item in scored.items} == {"0": 1.0, "1": 1.0, "2": 0.0, "3": 0.0}
    assert all((item.prompt or "").count("JSON schema:") == 3 for item in scored.items)
    assert (scored.chance, scored.generation["max_gen_toks"], scored.generation["until"]) == (0.0, 1024, ["\n\n"])


def test_a_bundle_without_the_data_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(MissingPiece, match="JSONSchemaBench"):
        BENCHMARKS["jsonschema_bench_hard"].validate(evaluation(tmp_path))
