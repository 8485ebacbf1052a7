from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.protocols import Evaluation, ItemBenchmark, Scored
from pytest_unicomp.api.records import Item, Measurement
from pytest_unicomp.api.source_digest import package_digest
from pytest_unicomp.benchmarks.efficiency.size import WeightBytes
from pytest_unicomp.run import evaluate
from tests.toys import artifact, item

HOW = Evaluation(limit=5, seed=7, bundle=None, device="cpu", dtype="auto")
ENGINE: Any = SimpleNamespace(device="cpu", dtype="float32", tokenizer=None, path=Path("/nowhere"), lm=SimpleNamespace())


@dataclass(frozen=True, kw_only=True)
class Toy(ItemBenchmark):
    given: tuple[Item, ...]
    capability: str = "knowledge"
    metric: str = "acc"
    shots: int = 2

    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        return {"dataset": "0123456789abcdef"}

    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        return Scored(items=self.given, chance=0.25, template="t", generation={"max_gen_toks": 3}, engine="toy-engine")


def measured(*scores: float | None) -> Measurement:
    benchmark = Toy(given=tuple(item(str(place), score) for place, score in enumerate(scores)))
    return evaluate.measure(artifact("/nowhere"), "toy", benchmark, ENGINE, HOW)


def test_value_and_error_are_those_of_the_scored_items_and_all_items_are_counted() -> None:
    result = measured(1.0, 0.0, None, 1.0, 1.0)
    assert result.value == 0.75
    assert result.stderr == pytest.approx(0.25)
    assert result.n == 5
    assert [entry.score for entry in result.items] == [1.0, 0.0, None, 1.0, 1.0]


def test_nothing_scored_is_no_value_and_no_items_is_an_error() -> None:
    result = measured(None, None)
    assert (result.value, result.stderr, result.n) == (None, None, 2)
    assert measured(1.0).stderr is None
    with pytest.raises(InfrastructureError, match="benchmark toy returned no items"):
        measured()


def test_conditions_hold_what_must_be_equal_for_a_comparison() -> None:
    conditions = measured(1.0).conditions
    assert conditions.model_dump() == {
        "benchmark": "toy",
        "dataset": "0123456789abcdef",
        "metric": "acc",
        "template": "t",
        "shots": 2,
        "generation": {"max_gen_toks": 3},
        "engine": "toy-engine",
        "dtype": "float32",
        "seed": 7,
        "limit": 5,
        "scoring": "corrected",
        "judge": "none",
    }


def test_a_benchmark_that_names_no_digest_of_its_data_is_told_apart_by_its_whole_identity() -> None:
    first, again, other = ({"words": words, "tokens": 3} for words in ("a", "a", "b"))
    assert evaluate.dataset(first) == evaluate.dataset(again) != evaluate.dataset(other)


def test_a_measurement_survives_a_file() -> None:
    result = measured(1.0, 0.5, None)
    assert Measurement.model_validate_json(result.model_dump_json()) == result
    assert result.artifact == artifact("/nowhere").fingerprint
    assert "torch" in result.versions


def test_a_size_is_read_without_a_model() -> None:
    benchmark = WeightBytes()
    result = evaluate.measure_size(artifact("/nowhere", bytes=77), "bytes", benchmark, HOW)
    assert (result.value, result.stderr, result.items) == (77.0, None, [])
    assert result.higher_is_better is False


def test_the_source_digest_covers_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read.append(self) or original(self))
    evaluate.source.cache_clear()
    package_digest.cache_clear()
    assert len(evaluate.source()) == 16
    assert {"task_requests.py", "loading.py", "items.py", "evaluate.py", "reply_passes.py"} <= {path.name for path in read}
