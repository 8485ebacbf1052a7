"""Is the candidate no slower than the reference on this device? Timed by pytest-benchmark, each round beside one of the reference."""

import pytest


@pytest.mark.unicomp(question="latency")
def test_latency(latency):
    latency.assert_passed()
