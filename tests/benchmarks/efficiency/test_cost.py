"""The cost of making an artifact is read from its record, and is None if the record lacks it."""

import pytest

from pytest_unicomp.benchmarks.efficiency.cost import BENCHMARKS
from tests.engine.toy_engine import evaluation
from tests.toys import artifact


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("compress-seconds", "compress_seconds"),
        ("compress-peak-memory", "compress_peak_bytes"),
        ("compress-tokens", "training_tokens"),
        ("compress-energy", "compress_joules"),
    ],
)
def test_each_cost_is_one_field_of_the_record(name, field):
    assert BENCHMARKS[name].size(artifact("/nowhere", **{field: 7}), evaluation()) == 7.0
    assert BENCHMARKS[name].size(artifact("/nowhere", **{field: None}), evaluation()) is None
    assert BENCHMARKS[name].identity(evaluation()) == {}
