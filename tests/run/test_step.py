"""The steps that progress reports: typed, equal by what is done, and shown as one sentence."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from pytest_unicomp.run.step import Step


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        (Step("compress", "wanda-50"), "compress wanda-50"),
        (Step("convert", "mine", source_format="int4 groups of 128"), "convert mine: int4 groups of 128"),
        (Step("serve", "wanda-50"), "serve wanda-50"),
        (Step("evaluate", "wanda-50", "nano-safety"), "evaluate wanda-50 on nano-safety"),
        (
            Step("evaluate", "wanda-50", "nano-safety", items=50, place="process 1"),
            "evaluate wanda-50 on nano-safety, 50 items (process 1)",
        ),
        (Step("measure", "wanda-50", "peak-memory"), "measure peak-memory of wanda-50"),
        (Step("time", "wanda-50", "decode-latency"), "time wanda-50 on decode-latency"),
        (Step("time", "reference", "kernel-int8"), "time kernel-int8"),
    ],
)
def test_a_step_is_shown_as_one_sentence(step, sentence):
    assert str(step) == sentence


def test_a_part_of_a_benchmark_is_the_same_step_wherever_it_is_worked_at():
    assert Step("evaluate", "a", "one", items=50, place="GPU 1") == Step("evaluate", "a", "one")
    assert Step("evaluate", "a", "one") != Step("time", "a", "one")


def test_a_candidate_whose_name_reads_like_a_sentence_stays_one_recipe():
    assert Step("evaluate", "a on b", "one").recipe == "a on b"


def test_a_step_survives_the_way_from_a_worker():
    step = Step("evaluate", "a", "one", items=50, place="on host")
    assert asdict(Step(**json.loads(json.dumps(asdict(step))))) == asdict(step)
