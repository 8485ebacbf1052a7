"""The bytes of an artifact are those of its record; without weight files there are none."""

import pytest

from pytest_unicomp.api.errors import InfrastructureError
from pytest_unicomp.benchmarks.efficiency.size import BENCHMARKS
from tests.engine.toy_engine import evaluation
from tests.toys import artifact

BYTES = BENCHMARKS["bytes"]


def test_bytes_are_those_of_the_artifact():
    made = artifact("/nowhere", bytes=1234, parameters=100, bits_per_weight=8.5)
    assert BYTES.size(made, evaluation()) == 1234.0
    assert BYTES.details(made, evaluation()) == {"parameters": 100.0, "bits_per_weight": 8.5}


def test_a_served_model_has_no_bytes():
    with pytest.raises(InfrastructureError, match="has no weight files here"):
        BYTES.size(artifact("http://localhost/v1", bytes=None), evaluation())
