"""Verdicts on recorded predictions of two real models in fp16, int8 and int4; skipped where the recordings are absent."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pytest_unicomp.compare import Policy, pool, retention
from tests.toys import measurement

SHARED = Path(os.environ.get("UNICOMP_SHARED") or Path(__file__).parents[3] / "shared")
PAIRED = SHARED / "paired"
POLICY = Policy(benchmark_margin=0.03)
QWEN, GEMMA = "Qwen__Qwen2.5-1.5B-Instruct", "google__gemma-2-2b-it"

pytestmark = pytest.mark.skipif(not PAIRED.is_dir(), reason=f"no recorded predictions in {PAIRED}; set UNICOMP_SHARED to their folder")


def recorded(model, precision, benchmark):
    targets = json.loads((PAIRED / "_bench_items.json").read_text(encoding="utf-8"))[benchmark]
    answers = json.loads((PAIRED / f"{model}__{precision}__{benchmark}.json").read_text(encoding="utf-8"))["preds"]
    scores = [float(answer == item["answer"]) for answer, item in zip(answers, targets, strict=True)]
    found = measurement(scores, artifact=precision, benchmark=benchmark, answers=answers)
    return found.model_copy(update={"chance": 0.25})


def checked(model, precision, benchmark):
    reference, candidate = recorded(model, "fp16", benchmark), recorded(model, precision, benchmark)
    return retention(reference, candidate, recipe=precision, family="quantization", gates=True, policy=POLICY, identical=False)


def test_int4_of_the_small_qwen_loses_more_than_three_points_on_arc():
    check = checked(QWEN, "int4", "arc")
    assert check.verdict == "fail"
    assert (check.flips.lost, check.flips.gained, check.n) == (68, 18, 1000)
    assert check.difference == pytest.approx(-0.05)
    assert check.interval == pytest.approx((-0.0657, -0.0353), abs=1e-4)


@pytest.mark.parametrize(
    ("model", "precision", "questions", "verdict"),
    [
        (QWEN, "int8", "arc", "pass"),
        (QWEN, "int8", "mmlu", "pass"),
        (QWEN, "int8", "csqa", "pass"),
        (QWEN, "int4", "mmlu", "inconclusive"),
        (QWEN, "int4", "csqa", "pass"),
        (GEMMA, "int8", "arc", "pass"),
        (GEMMA, "int8", "mmlu", "pass"),
        (GEMMA, "int8", "csqa", "pass"),
        (GEMMA, "int4", "arc", "pass"),
        (GEMMA, "int4", "mmlu", "pass"),
        (GEMMA, "int4", "csqa", "pass"),
    ],
)
def test_the_other_recordings_at_three_points(model, precision, questions, verdict):
    assert checked(model, precision, questions).verdict == verdict


def test_pooled_over_its_benchmarks_int8_is_kept_and_a_detected_drop_of_int4_stays_undecided():
    eight, four = (
        pool([checked(QWEN, precision, benchmark) for benchmark in ("arc", "mmlu", "csqa")], policy=POLICY)
        for precision in ("int8", "int4")
    )
    assert eight.verdict == "pass"
    assert four.verdict == "inconclusive"
    assert "a drop is detected" in four.reason
