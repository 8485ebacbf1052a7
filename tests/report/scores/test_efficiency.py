"""The three efficiency scores of a run: each column against the best of the recipes and the reference, compression cost among recipes alone."""

import pytest

from pytest_unicomp.api.records import Check, Estimate
from pytest_unicomp.report.scores import efficiency_scores
from tests.toys import artifact


def measured(recipe, benchmark, before, after, verdict="pass"):
    return Check(
        recipe=recipe,
        gates=True,
        benchmark=benchmark,
        dimension="efficiency",
        capability="runtime_acceleration",
        question="efficiency",
        metric="x",
        higher_is_better=False,
        reference=Estimate(value=before),
        candidate=Estimate(value=after),
        confidence=0.9,
        margin=0.25,
        verdict=verdict,
        reason="",
    )


def test_acceleration_takes_throughput_as_tokens_per_second_and_the_reference_is_in_the_pool():
    # Half the seconds per token are twice the tokens per second; the reference is the best in latency.
    checks = [measured("a", "throughput", 0.02, 0.01), measured("a", "generation-latency", 1.0, 1.25)]
    found = efficiency_scores(checks, {"a": artifact("/a", recipe="a")})
    assert found["a"]["S_RA"] == pytest.approx(100 * (1.0 * 0.8) ** 0.5)


def test_the_footprint_is_the_mean_of_three_and_unknown_where_one_is_missing():
    checks = [measured("a", "peak-memory", 8, 4), measured("a", "bytes", 8, 2), measured("a", "flops", 6, 6)]
    assert efficiency_scores(checks, {"a": artifact("/a")})["a"]["S_IE"] == pytest.approx(100)
    assert efficiency_scores(checks[:2], {"a": artifact("/a")})["a"]["S_IE"] is None


def test_a_broken_measurement_fills_no_column():
    checks = [measured("a", "throughput", 0.02, 0.01), measured("a", "generation-latency", 1.0, 1.0, verdict="error")]
    assert efficiency_scores(checks, {"a": artifact("/a")})["a"]["S_RA"] is None


def test_compression_cost_is_among_those_that_were_compressed():
    made = {
        "dense": artifact("/d", recipe="dense"),
        "quick": artifact("/q", recipe="quick", compress_seconds=10.0, compress_peak_bytes=100),
        "slow": artifact("/s", recipe="slow", compress_seconds=40.0, compress_peak_bytes=100),
    }
    found = efficiency_scores([], made)
    assert found["quick"]["S_CC"] == pytest.approx(100)
    assert found["slow"]["S_CC"] == pytest.approx(50)
    assert found["dense"]["S_CC"] is None
