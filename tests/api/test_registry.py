"""What is plugged in is looked up by name; a stranger's entry that does not fit is refused before anything runs, with what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_unicomp.api import registry
from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.api.protocols import CostBenchmark, Evaluation, ItemBenchmark, LatencyBenchmark, Scored, SizeBenchmark
from pytest_unicomp.api.registry import Table, benchmarks

EVALUATION = Evaluation(limit=None, seed=0, bundle=None, device="cpu", dtype="auto")


class Own(ItemBenchmark):
    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        return {"dataset": "0"}

    def score(self, engine: Any, evaluation: Evaluation) -> Scored:
        return Scored(items=(), chance=None, template="none", generation={}, engine="toy")


class Weight(SizeBenchmark):
    def size(self, artifact: Any, evaluation: Evaluation) -> float:
        return 1.0


class Round(LatencyBenchmark):
    def identity(self, evaluation: Evaluation) -> dict[str, Any]:
        return {}

    def prepare(self, engine: Any) -> Any:
        return lambda: None


@dataclass(frozen=True)
class Duck:
    """Everything that a benchmark needed before there were classes to extend."""

    kind: str = "size"
    dimension: str = "efficiency"
    capability: str = "compute_cost"
    alone: bool = True


@pytest.fixture
def plugged(monkeypatch):
    """Collect the benchmarks as if an entry point named `toys` had this table."""

    def collect(table):
        point = SimpleNamespace(name="toys", load=lambda: SimpleNamespace(BENCHMARKS=table))
        monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == "pytest_unicomp.benchmarks" else [])
        return benchmarks.__wrapped__()

    return collect


def test_a_benchmark_states_what_differs_and_has_defaults_for_the_rest(plugged):
    own = plugged({"own": Own(capability="safety", metric="acc")})["own"]
    assert isinstance(own, ItemBenchmark)
    assert (own.kind, own.dimension, own.higher_is_better, own.shots, own.sets, own.only_model) == (
        "items",
        "reliability",
        True,
        0,
        (),
        None,
    )
    assert (own.items, own.chance, own.judge, own.scorer, own.pieces(), list(own.questions(EVALUATION))) == (None, None, None, "", (), [])
    assert own.validate(EVALUATION) is None
    assert own.substitution(EVALUATION) is None


def test_numbers_about_an_artifact_are_lower_is_better_and_exact_unless_they_say_otherwise():
    weight = Weight(capability="inference_footprint", metric="bytes")
    assert (weight.kind, weight.dimension, weight.higher_is_better, weight.measured_once) == ("size", "efficiency", False, False)
    assert (weight.identity(EVALUATION), dict(weight.details(None, EVALUATION))) == ({}, {})  # type: ignore[arg-type]
    timed = Round()
    assert (timed.kind, timed.metric, timed.counted_tokens, timed.written_tokens) == ("latency", "seconds", 1, 1)


def test_a_benchmark_that_extends_no_class_is_refused_with_what_to_write(plugged):
    message = (
        r"unicomp: benchmark 'duck' in entry point toys is Duck, which extends no class of benchmarks; write `class Duck\(ItemBenchmark\)`"
    )
    with pytest.raises(UsageProblem, match=message):
        plugged({"duck": Duck()})


def test_a_package_that_cannot_be_imported_is_named_in_one_line(monkeypatch):
    def fail():
        raise TypeError("no abstract class")

    point = SimpleNamespace(name="toys", value="toy_module", load=fail)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point])
    with pytest.raises(
        UsageProblem, match=r"entry point toys \(toy_module\) cannot be loaded: TypeError: no abstract class; correct that package"
    ):
        benchmarks.__wrapped__()


def test_an_unknown_capability_needs_a_dimension_of_its_own(plugged):
    with pytest.raises(UsageProblem, match="'own' in entry point toys has the capability 'coding', which is none of knowledge, "):
        plugged({"own": Own(capability="coding", metric="acc")})

    class Coding(Own):
        dimension = "performance"

    assert plugged({"own": Coding(capability="coding", metric="acc")})["own"].dimension == "performance"


def test_a_class_that_lacks_a_method_cannot_be_made():
    class Half(CostBenchmark):
        pass

    with pytest.raises(TypeError, match="size"):
        Half(metric="seconds")


def test_a_name_that_two_tables_define_is_refused_naming_both(plugged):
    with pytest.raises(
        UsageProblem, match=r"'bytes' is defined twice, in pytest_unicomp\.benchmarks\.efficiency\.size and in entry point toys"
    ):
        plugged({"bytes": Own(capability="safety", metric="acc")})


def test_an_unknown_name_is_answered_with_the_nearest():
    table = Table("benchmark", "benchmarks", {"arc_easy": 1})
    assert (table["arc_easy"], list(table), len(table), "arc_eazy" in table) == (1, ["arc_easy"], 1, False)
    with pytest.raises(UsageProblem, match=r"no benchmark named 'arc_eazy'\. Did you mean 'arc_easy'"):
        table["arc_eazy"]
