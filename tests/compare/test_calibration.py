"""Gains from other calibration text: signs, pooling per capability, and nats apart from rates."""

from __future__ import annotations

from pytest_unicomp.compare import NATS, Policy, calibration_gain, calibration_gains
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


def test_a_gain_says_its_items_and_holds_nothing_of_a_capability():
    found = gain(10, 90)
    assert found.reason.endswith("; 1000 items")
    assert (found.capability_interval, found.capability_margin) == (None, None)
    assert (found.difference, found.recipe) == (0.08, "toy@reasoning")


def test_what_cannot_be_compared_keeps_its_reason_and_is_still_no_test_of_a_loss():
    check = calibration_gain(measurement([1.0]), measurement([1.0, 0.0]), recipe="toy", family="pruning", policy=POLICY)
    assert (check.question, check.margin, check.p_value) == ("calibration", None, None)
    assert check.reason.startswith("not comparable: ")


def test_relative_margins_of_the_policy_leave_a_gain_as_it_is():
    before, after = (measurement(scores, artifact=mark) for scores, mark in zip(rates(10, 90, 1000), "ab", strict=True))
    relative = Policy(benchmark_margin="5%", capability_margin="2%")
    found = calibration_gain(before, after, recipe="toy@reasoning", family="pruning", policy=relative)
    assert (found.verdict, found.capability_interval, found.capability_margin) == ("pass", None, None)


def test_a_capability_without_a_pooled_gain_stops_none_of_the_others():
    def check(capability, **fields):
        return kept(0.01, 0.03, benchmark=capability, capability=capability, question="calibration", margin=None, **fields)

    one = check("knowledge").model_copy(update={"difference": None})
    found = calibration_gains([one, check("reasoning")], before="generic", after="math", policy=POLICY)
    assert [(gain.capability, gain.calibration, gain.target, gain.n) for gain in found] == [("reasoning", "generic", "math", 500)]


def test_a_reference_at_chance_or_a_check_that_failed_may_still_gain():
    checks = [
        kept(0.01, 0.03, question="calibration", margin=None, verdict="fail", chance=0.25),
        kept(0.01, 0.03, benchmark="two", question="calibration", margin=None, verdict="inconclusive", chance=0.25),
    ]
    [found] = calibration_gains(checks, before="generic", after="math", policy=POLICY)
    assert (found.verdict, found.benchmarks) == ("pass", ["one", "two"])
    assert found.reason == "gains: +2.0 points (90 % interval +1.3 to +2.7)"


def test_an_interval_that_ends_at_nothing_shows_no_difference():
    def verdict(low, high):
        [found] = calibration_gains([kept(low, high, question="calibration", margin=None)], before="generic", after="math", policy=POLICY)
        return found.verdict

    assert [verdict(0.0, 0.04), verdict(-0.04, 0.0), verdict(0.001, 0.04), verdict(-0.04, -0.001)] == [
        "inconclusive",
        "inconclusive",
        "pass",
        "fail",
    ]
