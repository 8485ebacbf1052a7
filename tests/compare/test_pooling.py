"""Pooling of benchmarks into a capability's verdict."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Estimate
from pytest_unicomp.compare import (
    Policy,
    pool,
    retention,
)
from pytest_unicomp.compare.pooling import unanchored
from tests.compare.toy_checks import POLICY, WHO, kept, other
from tests.toys import measurement


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.02, 0.02, "pass"), (-0.04, 0.0, "inconclusive"), (-0.09, -0.031, "fail"), (-0.09, -0.029, "inconclusive")],
)
def test_one_benchmark_keeps_its_interval_under_the_capability_margin(low, high, verdict):
    found = pool([kept(low, high)], policy=POLICY)
    assert (found.verdict, found.interval, found.margin) == (verdict, (low, high), 0.03)


def test_pooling_decides_what_no_single_benchmark_can():
    checks = [kept(-0.055, 0.055, benchmark=str(place)) for place in range(4)]
    assert {check.verdict for check in checks} == {"inconclusive"}
    found = pool(checks, policy=POLICY)
    assert found.verdict == "pass"
    assert found.interval == pytest.approx((-0.0275, 0.0275))
    assert found.benchmarks == ["0", "1", "2", "3"]
    assert "mean of 4 benchmarks, 2000 items" in found.reason
    assert found.retention == pytest.approx(1.0)


def test_benchmarks_weigh_equally_whatever_their_size():
    found = pool([kept(-0.12, -0.08, n=10), kept(-0.02, 0.02, benchmark="two", n=9000)], policy=POLICY)
    assert found.difference == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("special", "verdict"),
    [
        ({"verdict": "error", "interval": None, "difference": None}, "error"),
        ({"verdict": "not_comparable", "interval": None, "difference": None}, "not_comparable"),
        ({"verdict": "inconclusive", "chance": 0.25, "p_value": None}, "inconclusive"),
        ({"verdict": "inconclusive", "interval": None, "p_value": None}, "inconclusive"),
    ],
)
def test_one_benchmark_without_a_sound_number_blocks_its_capability(special, verdict):
    blocked = kept(-0.01, 0.01, benchmark="blocked", **special)
    found = pool([kept(-0.3, -0.2), blocked], policy=POLICY)
    assert found.verdict == verdict
    assert "blocked" in found.reason


def test_many_benchmarks_that_decide_nothing_are_told_in_one_sentence():
    unsound = [kept(-0.01, 0.01, benchmark=f"set-{n}", verdict="not_comparable", reason=f"prompts of {n} differ") for n in range(9)]
    assert pool(unsound[:2], policy=POLICY).reason == "set-0: prompts of 0 differ; set-1: prompts of 1 differ"
    assert pool(unsound, policy=POLICY).reason == "set-0: prompts of 0 differ; also: set-1, set-2, set-3, set-4 and 4 more"
    assert pool(unsound[:5], policy=POLICY).reason.endswith("also: set-1, set-2, set-3, set-4")


def test_an_error_outranks_a_mismatch():
    checks = [kept(0, 0.1, verdict="not_comparable"), kept(0, 0.1, benchmark="two", verdict="error")]
    assert pool(checks, policy=POLICY).verdict == "error"


def test_nats_and_rates_are_never_averaged():
    nats = kept(-0.2, -0.1, benchmark="text", metric="nats_per_token", higher_is_better=False)
    found = pool([kept(-0.01, 0.01), nats], policy=POLICY)
    assert (found.verdict, found.interval) == ("fail", (-0.2, -0.1))
    assert found.benchmarks == ["one", "text"]
    assert "nats per token" in found.reason
    assert "points" in found.reason


def test_pooling_refuses_what_does_not_belong_together():
    for checks in ([], [kept(0, 0.1), kept(0, 0.1, capability="reasoning")], [other("pass")]):
        with pytest.raises(UnicompError, match="one recipe and one capability"):
            pool(checks, policy=POLICY)


def test_a_model_compared_with_itself_keeps_its_capability_on_ten_items():
    same = measurement([1.0] * 8 + [0.0] * 2)
    check = retention(same, same, **WHO, policy=POLICY, identical=True)
    assert pool([check], policy=POLICY).verdict == "pass"


def test_the_verdict_of_a_capability_carries_the_numbers_of_its_benchmarks():
    checks = [
        kept(-0.02, 0.0, benchmark="one", chance=0.25, chance_corrected_retention=0.9, n=100),
        kept(-0.03, 0.01, benchmark="two", chance=0.5, chance_corrected_retention=0.9, n=200),
    ]
    found = pool(checks, policy=POLICY)
    assert (found.capability, found.dimension, found.confidence) == ("knowledge", "performance", 0.9)
    assert found.difference == pytest.approx(-0.01)
    # Kept of the mean distance from chance: 0.79 - 0.25 and 0.79 - 0.5 of 0.8 - 0.25 and 0.8 - 0.5.
    assert found.chance_corrected_retention == pytest.approx((0.54 + 0.29) / (0.55 + 0.3))
    assert found.retention == pytest.approx(0.79 / 0.8)
    assert found.reason.endswith("; mean of 2 benchmarks, 300 items")
    assert pool(checks[:1], policy=POLICY).reason.endswith("; one, 100 items")
    assert pool([checks[0], kept(-0.01, 0.01)], policy=POLICY).chance_corrected_retention is None


def test_a_metric_that_is_better_low_is_turned_for_what_was_kept():
    low = kept(-0.02, 0.0, higher_is_better=False, chance=0.9, chance_corrected_retention=0.9)
    found = pool([low], policy=POLICY)
    assert found.retention == pytest.approx(0.8 / 0.79)
    assert found.chance_corrected_retention == pytest.approx((0.9 - 0.79) / (0.9 - 0.8))
    assert pool([low, kept(-0.01, 0.01)], policy=POLICY).retention is None


def test_a_relative_margin_of_a_capability_is_the_mean_of_what_it_is_on_each_benchmark():
    shares = Policy(capability_margin="5%")
    checks = [kept(-0.01, 0.01, capability_margin=0.04, capability_interval=(-0.02, 0.02)), kept(-0.01, 0.01, benchmark="two", margin=0.02)]
    found = pool(checks, policy=shares)
    assert found.margin == pytest.approx(0.03)
    assert found.interval == pytest.approx((-(0.0005**0.5) / 2, 0.0005**0.5 / 2))
    assert "5 % of the reference (3.0 points here)" in found.reason
    assert pool([checks[0], kept(-0.01, 0.01, benchmark="two", margin=None)], policy=shares).margin is None


def test_waived_checks_are_set_aside_and_named():
    lost = kept(-0.3, -0.2, benchmark="lost", waived=True, evidence="a" * 16)
    good = kept(-0.01, 0.01, evidence="b" * 16)
    found = pool([lost, good], policy=POLICY)
    assert (found.verdict, found.set_aside, found.waived, found.evidence) == ("pass", ["lost"], False, None)
    alone = pool([lost], policy=POLICY)
    assert (alone.verdict, alone.waived, alone.set_aside, alone.evidence) == ("fail", True, ["lost"], "a" * 16)


def test_only_a_doubtful_check_without_an_anchor_is_unanchored():
    assert not unanchored(kept(-0.04, 0.0, chance=0.25, chance_corrected_retention=0.9))
    assert unanchored(kept(-0.04, 0.0, verdict="inconclusive", chance=0.25))
    assert not unanchored(kept(-0.04, 0.0, verdict="fail", chance=0.25))
    # Without a chance level the floor counts: 0, or 1 if lower is better.
    assert not unanchored(kept(-0.04, 0.0, verdict="inconclusive"))
    assert unanchored(kept(-0.04, 0.0, verdict="inconclusive", reference=Estimate(value=0.0)))
    assert unanchored(kept(-0.04, 0.0, verdict="inconclusive", reference=Estimate(value=1.0), higher_is_better=False))
    assert not unanchored(kept(-0.04, 0.0, verdict="inconclusive", reference=Estimate(value=1.0)))


def test_policy_exceptions_of_a_capability_apply_to_it():
    wide = Policy(margins={"knowledge": 0.2})
    assert (pool([kept(-0.1, 0.05)], policy=wide).verdict, pool([kept(-0.1, 0.05)], policy=POLICY).verdict) == ("pass", "inconclusive")
    assert "items would decide" in pool([kept(-0.1, 0.05)], policy=POLICY).reason
    two = pool([kept(-0.1, 0.05), kept(-0.1, 0.05, benchmark="two")], policy=POLICY)
    assert two.reason.endswith("on both sides of the 3.0 points allowed; mean of 2 benchmarks, 1000 items")


def test_a_capability_that_is_undecided_at_chance_still_shows_its_difference():
    found = pool([kept(-0.04, 0.0, verdict="inconclusive", chance=0.25, p_value=None)], policy=POLICY)
    assert (found.verdict, found.difference, found.interval) == ("inconclusive", pytest.approx(-0.02), (-0.04, 0.0))


def test_a_margin_that_is_unknown_on_one_benchmark_never_passes():
    shares = Policy(capability_margin="5%")
    found = pool([kept(-0.01, 0.01), kept(-0.01, 0.01, benchmark="two", margin=None)], policy=shares)
    assert (found.verdict, found.margin) == ("inconclusive", None)


def test_what_two_metrics_say_is_told_one_after_the_other():
    nats = kept(-0.01, 0.01, benchmark="text", metric="nats_per_token", higher_is_better=False)
    found = pool([kept(-0.01, 0.01), nats], policy=POLICY)
    rates_alone, nats_alone = (pool([check], policy=POLICY) for check in (kept(-0.01, 0.01), nats))
    assert found.reason == f"{rates_alone.reason} | {nats_alone.reason}"


def test_evidence_is_named_for_what_fails_or_is_undecided_and_not_for_an_error():
    lost = kept(-0.3, -0.2, evidence="a" * 16)
    assert pool([lost], policy=POLICY).evidence is not None
    broken = kept(-0.3, -0.2, verdict="error", evidence="a" * 16)
    assert pool([broken], policy=POLICY).evidence is None


def test_what_is_kept_above_chance_turns_each_benchmark_its_own_way():
    high = kept(-0.1, 0.0, chance=0.25, chance_corrected_retention=0.9)
    low = kept(-0.1, 0.0, benchmark="two", higher_is_better=False, chance=0.9, chance_corrected_retention=0.9)
    found = pool([high, low], policy=POLICY)
    # From 0.8 to 0.75, of 0.55 above a chance of 0.25 and of 0.1 below a chance of 0.9: 0.5 and 0.15 are left.
    assert found.chance_corrected_retention == pytest.approx((0.5 + 0.15) / (0.55 + 0.1))


def test_a_reference_that_is_not_above_chance_has_nothing_of_which_a_share_could_be_kept():
    # A report may claim a share all the same.
    claimed = kept(-0.1, 0.0, chance=0.8, chance_corrected_retention=0.9)
    assert pool([claimed], policy=POLICY).chance_corrected_retention is None
    assert pool([kept(-0.1, 0.0, reference=Estimate(value=0.0))], policy=POLICY).retention is None


@pytest.mark.parametrize("side", ["reference", "candidate"])
def test_a_value_that_is_unknown_on_one_side_leaves_no_share_kept(side):
    assert pool([kept(-0.1, 0.0), kept(-0.1, 0.0, benchmark="two", **{side: Estimate(value=None)})], policy=POLICY).retention is None
