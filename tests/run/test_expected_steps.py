"""The steps that a run with an empty store would take."""

from __future__ import annotations

from pytest_unicomp.config.evaluation import evaluation_of
from pytest_unicomp.config.resolve import resolve
from pytest_unicomp.run.expected_steps import expected_steps
from pytest_unicomp.run.plan import plan
from pytest_unicomp.run.step import Step


def steps(benchmark, *, recipe="rtn-w8a16", stored=False):
    settings = resolve({"model": "nano", "recipe": [recipe], "benchmark": [benchmark]}, {})
    found = plan(settings, evaluation_of(settings))
    return expected_steps(found, (*found.cells, *found.kernels()), evaluation_of(settings), stored_reference=stored)


def test_the_reference_is_evaluated_on_everything_with_the_first_recipe_that_needs_it():
    assert steps("nano-safety,nano-ethics") == [
        Step("compress", "rtn-w8a16"),
        Step("evaluate", "reference", "nano-safety"),
        Step("evaluate", "reference", "nano-ethics"),
        Step("evaluate", "rtn-w8a16", "nano-safety"),
        Step("evaluate", "rtn-w8a16", "nano-ethics"),
    ]


def test_stored_evidence_of_the_reference_takes_no_step():
    assert Step("evaluate", "reference", "nano-safety") not in steps("nano-safety", stored=True)


def test_a_size_that_is_read_off_takes_no_step_and_one_that_takes_work_takes_two():
    assert steps("bytes", recipe="dense") == []
    assert steps("peak-memory", recipe="dense") == [Step("measure", "reference", "peak-memory"), Step("measure", "dense", "peak-memory")]


def test_timings_come_last_and_a_kernel_is_the_references():
    assert steps("decode-latency,nano-safety,kernel-int8", recipe="dense")[-2:] == [
        Step("time", "dense", "decode-latency"),
        Step("time", "reference", "kernel-int8"),
    ]
