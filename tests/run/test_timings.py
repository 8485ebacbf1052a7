"""Timings are kept for later runs on the same machine, unless they say little: too few rounds for a limit, or a host that was not healthy."""

import os
import time
from types import SimpleNamespace

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.api.records import HostHealth
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.engine.host.paired_timing import PairedRounds
from pytest_unicomp.run.run import Run
from tests.run.toy_server import FORKS, served_nano

QUIET = HostHealth(cores=2, busy_cores=1.0, others_busy_cores=0.0, load=None, megahertz=None)


@pytest.fixture
def run(tmp_path):
    found = Run(resolve({"model": "nano", "recipe": ["dense"], "benchmark": ["decode-latency"], "cache": str(tmp_path)}, {}))
    yield found
    found.close()


def rounds(count, health):
    made = PairedRounds(lambda: None, lambda: None, ("a", "b"))
    made.reference_seconds, made.candidate_seconds, made.health = [1.0] * count, [0.5] * count, health
    return made


def test_healthy_rounds_are_kept_and_read_back(run):
    [cell] = run.plan.cells
    assert run.timings.kept_rounds(cell) is None
    run.timings.keep_rounds(cell, rounds(12, QUIET))
    kept = run.timings.kept_rounds(cell, at_least=12)
    assert (kept.candidate_seconds, kept.kernels, kept.health) == ([0.5] * 12, ("a", "b"), QUIET)


def test_rounds_that_only_launched_kernels_are_timed_again_by_the_next_run(run):
    [cell] = run.plan.cells
    run.timings.keep_rounds(cell, rounds(12, QUIET.model_copy(update={"launching": (0.4, 0.97)})))
    assert run.timings.kept_rounds(cell) is None


def test_few_rounds_do_not_serve_a_limit_that_needs_more(run):
    [cell] = run.plan.cells
    run.timings.keep_rounds(cell, rounds(12, QUIET))
    assert run.timings.kept_rounds(cell, at_least=93) is None


def test_rounds_of_a_busy_host_are_timed_again_by_the_next_run(run):
    [cell] = run.plan.cells
    run.timings.keep_rounds(cell, rounds(12, QUIET.model_copy(update={"busy_cores": 2.0, "others_busy_cores": 1.5})))
    assert run.timings.kept_rounds(cell) is None


def asked_once(engine):
    """A round is one request."""
    return lambda: float(bool(engine.endpoint.call("completions", {"prompt": "text"})))


@pytest.mark.skipif(os.name != "posix", reason="needs fork")
def test_a_round_that_was_answered_after_the_end_of_its_server_is_an_error(run, tmp_path, monkeypatch):
    loaded, _, subject = served_nano(tmp_path / "store", monkeypatch, FORKS)
    monkeypatch.setattr(run.timings, "_results", SimpleNamespace(loaded=loaded))
    try:
        rounds = run.timings._at_endpoints(SimpleNamespace(prepare=asked_once), [subject, subject])
        while not loaded.server(subject).command.has_ended:
            time.sleep(0.01)
        with pytest.raises(InfrastructureError, match=r"the server of toy ended with exit status 5: .*; all that it printed is in"):
            rounds.before()
        with pytest.raises(InfrastructureError, match="the server of toy ended with exit status 5"):
            rounds.candidate()
    finally:
        loaded.release()


class LoadedToy:
    """A loaded model whose rounds take as many seconds as it says; counts how many are in memory at once."""

    dtype = "bfloat16"

    def __init__(self, seconds, there):
        self.seconds, self.there = seconds, there
        there.append(self)

    def release(self):
        self.there.remove(self)


@pytest.mark.parametrize(
    ("device", "packed", "unpacked", "most", "chosen"),
    [
        # The host holds three models and compares; a GPU holds two, and tries the unpacked one only where the kernel gains nothing.
        ("cpu", 0.5, 0.4, 3, "unpacked"),
        ("cpu", 0.5, 0.9, 3, "packed"),
        ("cuda:0", 0.5, 0.4, 2, "packed"),
        ("cuda:0", 2.0, 0.9, 2, "unpacked"),
        ("cuda:0", 2.0, 3.0, 2, "packed"),
    ],
)
def test_a_gpu_never_holds_a_third_model_to_be_timed(run, monkeypatch, device, packed, unpacked, most, chosen):
    from pytest_unicomp.engine.host import paired_timing
    from pytest_unicomp.engine.runtimes import Runtime

    there, counts = [], []
    subjects = {"reference": SimpleNamespace(path="a"), "dense": SimpleNamespace(path="b")}
    seconds = {("a", False): 1.0, ("b", False): packed, ("b", True): unpacked}
    timings = run.timings

    def engine(artifact, *, unpacked=False):
        key = (artifact.path, unpacked)
        if key not in timings._timed:
            layers = int(artifact.path == "b" and not unpacked)
            timings._timed[key] = (LoadedToy(seconds[key], there), Runtime("kernel" if layers else "dense", layers))
            counts.append(len(there))
        return timings._timed[key]

    by = SimpleNamespace(backend="hf")
    toy = SimpleNamespace(prepare=lambda one: one, launching_share=lambda one: one.seconds)
    loaded = SimpleNamespace(release=lambda: None)
    idle = lambda: None  # noqa: E731 - a stand-in of one line
    results = SimpleNamespace(subject=subjects.get, evaluated_by=lambda _: by, loaded=loaded, device=device, wait_for_others=idle)
    monkeypatch.setattr(timings, "_results", results)
    monkeypatch.setattr(timings, "_engine", engine)
    monkeypatch.setattr("pytest_unicomp.run.timings.benchmarks", lambda: {"decode-latency": toy})
    monkeypatch.setattr(paired_timing, "fastest_seconds", lambda one: one.seconds)
    [cell] = run.plan.cells
    made = timings.rounds(cell)
    made.finish([1.0])
    assert made.health.launching == (1.0, unpacked if chosen == "unpacked" else packed), "of the models that are timed"
    assert max(counts) == most
    assert made.kernels[1].startswith("dense bfloat16, unpacked" if chosen == "unpacked" else "kernel")
    assert timings._timed[("b", chosen == "unpacked")][0] in there
    timings._timed.clear()
