"""Gains from other calibration text: signs, pooling per capability, and nats apart from rates."""

from __future__ import annotations

from pytest_unicomp.compare import NATS, calibration_gain, calibration_gains
from tests.compare.toy_checks import POLICY, kept
from tests.compare.toy_pairs import rates
from tests.toys import measurement


def gain(losses, gains, n=1000):
    before, after = (measurement(scores, artifact=mark) for scores, mark in zip(rates(losses, gains, n), "ab", strict=True))
    return calibration_gain(before, after, recipe="toy@reasoning", family="pruning", policy=POLICY)


def test_text_that_helps_gains_and_text_that_harms_costs():
    assert (gain(10, 90).verdict, gain(90, 10).verdict, gain(30, 31).verdict) == ("pass", "fail", "inconclusive")
    assert gain(10, 90).reason.startswith("gains: +8.0 points")
    assert gain(90, 10).reason.startswith("costs: -8.0 points")
    assert gain(30, 31).reason.startswith("no difference shown")


def test_a_gain_is_no_test_of_a_loss():
    found = gain(10, 90)
    assert (found.question, found.gates, found.margin, found.p_value) == ("calibration", False, None, None)


def test_items_that_do_not_match_have_no_gain():
    check = calibration_gain(measurement([1.0]), measurement([1.0, 0.0]), recipe="toy", family="pruning", policy=POLICY)
    assert check.verdict == "not_comparable"


def test_gains_are_pooled_per_capability_with_nats_apart():
    def check(low, high, name, **fields):
        return kept(low, high, benchmark=name, question="calibration", margin=None, **fields)

    checks = [
        check(0.01, 0.03, "one"),
        check(0.03, 0.05, "two"),
        check(-0.5, -0.3, "text", metric=NATS),
        check(0.01, 0.03, "other", capability="reasoning"),
    ]
    unknown = checks[0].model_copy(update={"interval": None, "benchmark": "unknown"})
    found = {
        (gain.capability, gain.metric): gain
        for gain in calibration_gains([*checks, unknown], before="generic", after="math", policy=POLICY)
    }
    assert {key: gain.benchmarks for key, gain in found.items()} == {
        ("knowledge", "rate"): ["one", "two"],
        ("knowledge", "nats_per_token"): ["text"],
        ("reasoning", "rate"): ["other"],
    }
    assert round(found["knowledge", "rate"].difference, 9) == 0.03
    assert [gain.verdict for gain in found.values()] == ["pass", "fail", "pass"]
