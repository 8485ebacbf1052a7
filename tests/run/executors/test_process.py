"""Jobs in fresh interpreters: what they make is in the store, what breaks them is told where it is asked for."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pytest_unicomp.api.errors import InfrastructureError, UsageProblem
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.config.settings import Settings
from pytest_unicomp.run.executors import process
from pytest_unicomp.run.executors.build import validate
from pytest_unicomp.run.executors.job import Event, Job, failed
from pytest_unicomp.run.executors.process import ProcessExecutor, Slot, slots
from pytest_unicomp.run.executors.waiting import WaitingExecutor
from pytest_unicomp.run.run import Run
from pytest_unicomp.run.step import Step
from tests.plugin.toy_recipes import install


def settings(folder: Path, **more: object) -> Settings:
    words = {
        "model": "nano",
        "cache": str(folder),
        "limit": 8,
        "benchmark": ["nano-ethics"],
        "recipe": ["rtn-w8a16"],
        "executor": "process",
    }
    return resolve({**words, **more}, {})


def test_what_was_promised_is_made_elsewhere_and_only_read_here(tmp_path):
    told: list[Step] = []
    run = Run(settings(tmp_path), progress=told.append)
    run.promise(run.plan.cells)
    measured = run.measurement("rtn-w8a16", "nano-ethics")
    reference = run.reference("nano-ethics")
    run.close()
    assert [len(found.items) for found in (measured, reference)] == [8, 8]
    assert any(str(step).startswith("evaluate rtn-w8a16 on nano-ethics (process ") for step in told)
    assert run.results.loaded.paths == (), "a model was loaded in the driver"


def test_a_recipe_that_breaks_breaks_alone(tmp_path, monkeypatch):
    install(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.syspath_prepend(tmp_path)
    from pytest_unicomp.api import registry

    registry.methods.cache_clear()
    try:
        run = Run(settings(tmp_path / "store", recipe=["breaks", "rtn-w8a16"]))
        run.promise(run.plan.cells)
        with pytest.raises(InfrastructureError, match="the layers do not fit"):
            run.measurement("breaks", "nano-ethics")
        assert run.measurement("rtn-w8a16", "nano-ethics").n == 8
        run.close()
    finally:
        registry.methods.cache_clear()


def test_an_interpreter_that_dies_fails_what_it_had_not_finished_and_says_its_last_words(tmp_path, monkeypatch):
    (tmp_path / "dies.py").write_text(
        "import sys\nsys.stdin.readline()\n"
        'print(\'{"step": ["artifact", "r"], "state": "done", "message": "", "error": ""}\', flush=True)\n'
        "print('out of memory', file=sys.stderr)\nsys.exit(9)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(process, "WORKER", "dies")
    executor = ProcessExecutor([Slot("process 1", {})], lambda _: None)
    executor.promise([Job(settings(tmp_path), "r", ("b",))])
    assert executor.result(("artifact", "r"), lambda: "found") == "found"
    with pytest.raises(InfrastructureError, match="ended with code 9 while it worked at r: out of memory"):
        executor.result(("measurement", "r", "b"), lambda: "not reached")


def test_a_worker_ends_when_its_driver_is_gone(tmp_path):
    driver = (
        "import sys; from pytest_unicomp.run.executors.process import ProcessExecutor, Slot; from pytest_unicomp.run.executors import process\n"
        "from pytest_unicomp.run.executors.job import Job; from pytest_unicomp.config.settings import Settings\n"
        "import os, time; process.WORKER = 'waits'\n"
        "e = ProcessExecutor([Slot('p', {})], print); e.promise([Job(Settings(), 'r', ())])\n"
        f"\nwhile not os.path.exists({str(tmp_path / 'pid')!r}): time.sleep(.02)\nos._exit(0)"
    )
    (tmp_path / "waits.py").write_text(
        "import os, sys, threading, time\nfrom pytest_unicomp.run.worker import _end_with_driver\nsys.stdin.readline()\n"
        "threading.Thread(target=_end_with_driver, daemon=True).start()\n"
        f"open({str(tmp_path / 'part')!r}, 'w').write(str(os.getpid())); os.rename({str(tmp_path / 'part')!r}, {str(tmp_path / 'pid')!r})\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    subprocess.run([sys.executable, "-c", driver], env=environment, check=True, timeout=60)
    worker = Path(f"/proc/{(tmp_path / 'pid').read_text()}")
    if not Path("/proc/self").exists():
        pytest.skip("no /proc here to see processes in")
    for _ in range(200):
        if not worker.exists() or "\nState:\tZ" in (worker / "status").read_text():
            return
        subprocess.run(["sleep", "0.05"], check=True)
    pytest.fail("the worker outlived its driver")


def test_an_outer_choice_of_gpus_is_honoured(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert [dict(slot.environment) for slot in slots("cuda:0", 2, 16)] == [
        {"CUDA_VISIBLE_DEVICES": "3", "OMP_NUM_THREADS": "8"},
        {"CUDA_VISIBLE_DEVICES": "5", "OMP_NUM_THREADS": "8"},
    ]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert [slot.name for slot in slots("cuda:0", 2, 16)] == ["GPU 0", "GPU 1"]


@pytest.mark.parametrize(("cores", "threads"), [(1, ["1"]), (2, ["1", "1"]), (64, ["16"] * 4)])
def test_processes_share_the_cores(cores, threads):
    assert [slot.environment["OMP_NUM_THREADS"] for slot in slots("cpu", 0, cores)] == threads


def test_the_first_answer_of_a_step_stands():
    class Told(WaitingExecutor):
        def _start(self, jobs):
            for job in jobs:
                self.receive(Event(job.steps[0], "done"))
                self.fail(job, InfrastructureError("lost"))

    executor = Told(lambda _: None)
    executor.promise([Job(Settings(), "r", ("b",))])
    assert executor.result(("artifact", "r"), lambda: 1) == 1
    with pytest.raises(InfrastructureError, match="lost"):
        executor.result(("measurement", "r", "b"), lambda: 2)


def test_waiting_for_others_ends_when_every_promised_step_is_settled_and_keeps_their_errors():
    class Slow(WaitingExecutor):
        def _start(self, jobs):
            self.jobs = jobs

        def work(self):
            time.sleep(0.05)
            self.receive(Event(self.jobs[0].steps[0], "started"))
            self.receive(Event(self.jobs[0].steps[0], "done"))
            self.ended = time.monotonic()
            self.fail(self.jobs[0], InfrastructureError("lost"))

    executor = Slow(lambda _: None)
    executor.promise([Job(Settings(), "r", ("b",))])
    worker = threading.Thread(target=executor.work)
    worker.start()
    executor.wait()
    assert time.monotonic() >= executor.ended
    worker.join()
    with pytest.raises(InfrastructureError, match="lost"):
        executor.result(("measurement", "r", "b"), lambda: 2)
    executor.wait()


def test_memory_and_timings_wait_for_the_workers_and_scores_do_not(tmp_path, monkeypatch):
    wanted = ["nano-ethics", "bytes", "decode-latency"]
    run = Run(settings(tmp_path, benchmark=wanted, executor="local", recipe=["dense"]))
    waits: list[str] = []
    monkeypatch.setattr(run.results._executor, "wait", lambda: waits.append("waited"))
    run.results.measurement("dense", "nano-ethics")
    assert waits == []
    run.results.measurement("dense", "bytes")
    assert waits == ["waited"]
    [cell] = [cell for cell in run.plan.cells if cell.benchmark == "decode-latency"]
    run.timings.rounds(cell)
    assert waits == ["waited", "waited"]
    run.close()


def test_an_error_keeps_its_kind_on_the_way():
    assert isinstance(failed(("artifact", "r"), UsageProblem("wrong")).exception(), UsageProblem)
    assert isinstance(failed(("artifact", "r"), ValueError("odd")).exception(), InfrastructureError)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"executor": "process", "device": "cuda:1"}, "CUDA_VISIBLE_DEVICES"),
        ({"executor": "local", "address": "ray://here"}, "--unicomp-executor=ray"),
    ],
)
def test_what_contradicts_is_refused(tmp_path, more, words):
    with pytest.raises(UsageProblem, match=words):
        validate(settings(tmp_path, **more))


def test_two_ways_of_spreading_the_work_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with pytest.raises(UsageProblem, match="pytest -n"):
        validate(settings(tmp_path))
