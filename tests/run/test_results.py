"""Results are made at most once, and an error is remembered like a result."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import InfrastructureError, guarded
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.executors.local import LocalExecutor
from pytest_unicomp.run.preflight import preflight
from pytest_unicomp.run.results import Results


class Jobs(LocalExecutor):
    """Notes the jobs that are promised to it and makes nothing elsewhere."""

    def promise(self, jobs):
        self.jobs = [(job.recipe, job.benchmarks) for job in jobs]


@pytest.fixture
def results(tmp_path):
    def build(**words):
        found = preflight(resolve({"model": "nano", "cache": str(tmp_path), **words}, {}))
        parts = {"store": found.store, "baselines": found.baselines, "progress": lambda step: None, "detail": lambda line: None}
        return Results(found.settings, found.plan, found.evaluation, **parts), found.plan

    return build


def test_an_artifact_and_a_size_are_made_once(results, monkeypatch):
    made, _ = results(recipe=["dense"], benchmark=["bytes"])
    artifact, size = made.artifact("dense"), made.measurement("dense", "bytes")
    assert size.value == artifact.bytes
    monkeypatch.setattr("pytest_unicomp.run.adopt.dense", lambda *_: pytest.fail("made twice"))
    assert made.artifact("dense") is artifact
    assert made.measurement("dense", "bytes") is size


def test_a_broken_recipe_is_tried_once(results, monkeypatch):
    made, _ = results(recipe=["dense"], benchmark=["bytes"])
    tries = []

    def breaks(model, store):
        tries.append(model.name)
        raise InfrastructureError("unicomp: broken")

    monkeypatch.setattr("pytest_unicomp.run.adopt.dense", breaks)
    for _ in range(2):
        with pytest.raises(InfrastructureError, match="broken"):
            made.artifact("dense")
    assert tries == ["nano"]


def test_jobs_hold_the_reference_first_with_everything_that_is_promised(results):
    made, plan = results(recipe=["dense,rtn-w8a16"], benchmark=["nano-safety,nano-ethics,bytes"])
    made.promise(plan.cells)
    made.hand_over(executor := Jobs())
    both = ("nano-safety", "nano-ethics")
    assert executor.jobs == [("reference", both), ("dense", both), ("rtn-w8a16", both)]


def test_what_is_measured_in_parts_has_another_key_than_the_whole(results):
    made, _ = results(recipe=["dense"], benchmark=["nano-safety"])
    keys = {made.key("dense", "nano-safety", items) for items in (None, frozenset({"a"}), frozenset({"b"}))}
    assert len(keys) == 3
    assert made.loaded.paths == (), "naming a measurement loads nothing"


def test_what_breaks_in_a_library_says_what_was_being_done():
    def breaks():
        raise ValueError("odd")

    with pytest.raises(InfrastructureError, match="unicomp: loading x failed: ValueError: odd"):
        guarded(breaks, "loading x")


class Loaded:
    """A model in memory that notes when it is released."""

    device = "cpu"

    def __init__(self, events):
        self.events = events

    def release(self):
        self.events.append("released")


def test_a_model_is_released_before_another_recipe_is_compressed(results, monkeypatch):
    made, _ = results(recipe=["magnitude-50"], benchmark=["bytes"])
    events = []
    made.loaded._engines["other"] = Loaded(events)
    monkeypatch.setattr("pytest_unicomp.run.compress.compress", lambda *_: events.append("compressed"))
    made.artifact("magnitude-50")
    assert events == ["released", "compressed"]


def test_a_model_stays_loaded_where_nothing_is_compressed(results):
    made, _ = results(recipe=["dense"], benchmark=["bytes"])
    made.loaded._engines["other"] = Loaded(events := [])
    made.artifact("dense")
    assert events == []


@pytest.mark.parametrize(("device", "events"), [("cuda:0", ["released"]), ("cpu", [])])
def test_a_gpu_has_room_for_the_process_that_measures_memory(results, monkeypatch, device, events):
    made, _ = results(recipe=["dense"], benchmark=["peak-memory"])
    found = []
    made.loaded._engines["other"] = Loaded(found)
    monkeypatch.setattr(made._measurements, "_device", device)
    monkeypatch.setattr("pytest_unicomp.run.evaluate.measure_size", lambda *_: pytest.fail("measured", pytrace=False))
    with pytest.raises(BaseException, match="measured"):
        made.measurement("dense", "peak-memory")
    assert found == events
