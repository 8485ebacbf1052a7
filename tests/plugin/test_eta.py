"""The rest of a run is counted in steps, and its time is estimated."""

import pytest

from pytest_unicomp.plugin.eta import StepTracker, about
from pytest_unicomp.run.step import Step

STEPS = [
    Step("compress", "a"),
    Step("evaluate", "reference", "one"),
    Step("evaluate", "reference", "two"),
    Step("evaluate", "a", "one"),
    Step("evaluate", "a", "two"),
    Step("compress", "b"),
    Step("evaluate", "b", "one"),
    Step("evaluate", "b", "two"),
]


@pytest.fixture
def remaining():
    found = StepTracker()
    found.expect(STEPS)
    return found


def test_steps_are_counted(remaining):
    remaining.begin(Step("compress", "a"), 0)
    assert remaining.place == "1/8"


def test_kernels_are_the_references_and_sizes_that_take_work_their_recipes():
    found = StepTracker()
    found.expect([Step("measure", "a", "peak-memory"), Step("time", "reference", "kernel-int8"), Step("time", "a", "decode-latency")])
    assert found.place == "0/3"
    found.settle("a", "peak-memory")
    found.settle("reference", "kernel-int8")
    assert found.place == "2/3"


def test_what_was_in_the_store_counts_as_done_when_its_test_has_an_answer(remaining):
    remaining.settle("a", "one")
    assert remaining.place == "3/8"


def test_a_step_lasts_as_long_as_others_on_its_benchmark_then_as_others_of_its_kind(remaining):
    remaining.begin(Step("compress", "a"), 0)
    assert remaining.seconds_left(0) is None
    remaining.begin(Step("evaluate", "reference", "one"), 100)
    assert remaining.seconds_left(100) is None, "one finished step tells nothing"
    remaining.begin(Step("evaluate", "reference", "two"), 110)
    remaining.begin(Step("evaluate", "a", "one"), 140)
    remaining.end(150)
    # a on two like the reference on two, b compressed like a, b on one like both on one, b on two again.
    assert remaining.seconds_left(150) == 30 + 100 + 10 + 30


def test_a_pause_between_steps_is_no_part_of_one(remaining):
    remaining.begin(Step("evaluate", "a", "one"), 0)
    remaining.end(10)
    remaining.begin(Step("evaluate", "a", "two"), 1000)
    remaining.end(1010)
    remaining.settle("a", "")
    assert remaining.seconds_left(1010) == 10 * len([step for step in STEPS if step.recipe != "a"])


def test_the_running_step_is_part_of_what_is_left_and_one_that_overruns_leaves_no_estimate(remaining):
    remaining.begin(Step("compress", "a"), 0)
    remaining.begin(Step("evaluate", "reference", "one"), 5)
    remaining.begin(Step("evaluate", "reference", "two"), 15)
    for name in ("one", "two"):
        remaining.settle("a", name)
    remaining.begin(Step("compress", "b"), 25)
    # b is expected to be compressed in 5 s like a, and to be asked twice in 10 s each.
    assert remaining.seconds_left(27) == 3 + 20
    assert remaining.seconds_left(30.1) is None, "it takes longer than anything like it did"
    remaining.begin(Step("evaluate", "b", "one"), 525)
    assert remaining.seconds_left(525) == 10 + 10


def test_a_step_that_nobody_expected_is_counted_too_and_parts_of_one_belong_to_it(remaining):
    remaining.begin(Step("convert", "c", source_format="int4"), 0)
    assert remaining.place == "1/9"
    remaining.begin(Step("evaluate", "a", "one", items=50), 1)
    assert remaining.place == "2/9"
    remaining.begin(Step("evaluate", "a", "one", items=50), 2)
    assert remaining.place == "3/10"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "about 1 s"), (42.4, "about 42 s"), (600, "about 10 min"), (9000, "about 2 h")])
def test_an_estimate_is_written_as_coarsely_as_it_is_known(seconds, text):
    assert about(seconds) == text
