"""Margins as people write them, and what they allow: against the definition, and as properties of the verdict."""

from __future__ import annotations

from math import isfinite

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_unicomp.api.errors import UnicompError, UsageProblem
from pytest_unicomp.compare import Policy, pool, retention, stats
from pytest_unicomp.config.margins import Margin
from pytest_unicomp.config.resolve import resolve
from tests.toys import measurement

binary = st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0]))
graded = st.tuples(st.floats(0, 1), st.floats(0, 1))
evaluations = st.one_of(st.lists(binary, min_size=1, max_size=80), st.lists(graded, min_size=1, max_size=40))
kinds = st.one_of(
    st.builds(Margin, st.just("absolute"), st.floats(0.001, 0.5)),
    st.builds(Margin, st.just("relative"), st.floats(0.001, 0.9)),
    st.builds(Margin, st.just("errors"), st.floats(1.001, 5.0)),
)


def compared(pairs, margin, clusters=None, *, higher=True):
    before, after = zip(*pairs, strict=True)
    turned = [before, after] if higher else [[1 - score for score in side] for side in (before, after)]
    allowances = margin.allowances(before, higher_is_better=higher)
    return stats.paired_difference(*(list(side) for side in turned), clusters, alpha=0.05, allowances=allowances)


def verdict(found):
    return stats.non_inferiority(found.lower, found.upper, found.margin)


@pytest.mark.parametrize(
    ("text", "kind", "value", "setting"),
    [
        (0.03, "absolute", 0.03, 0.03),
        ("0.03", "absolute", 0.03, 0.03),
        ("5%", "relative", 0.05, "5%"),
        (" 2.5 % ", "relative", 0.025, "2.5%"),
        ("1.2x", "errors", 1.2, "1.2x errors"),
        ("1.2x errors", "errors", 1.2, "1.2x errors"),
    ],
)
def test_a_margin_is_read_and_written_back(text, kind, value, setting):
    margin = Margin.of(text)
    assert (margin.kind, margin.value, margin.setting) == (kind, pytest.approx(value), setting)
    assert Margin.of(margin.setting) == margin


@pytest.mark.parametrize("text", ["0%", "100%", "1x", "0.5x errors", "-1", "five", None, True, "1.2y", "1..2%", float("nan")])
def test_what_is_no_margin_is_refused(text):
    with pytest.raises(UsageProblem, match="the_margin"):
        Margin.of(text, "the_margin")


@pytest.mark.parametrize("name", ["margin", "benchmark_margin"])
def test_options_take_every_kind_and_keep_numbers(name):
    assert getattr(resolve({"model": "nano", name: "5%"}, {}), name) == "5%"
    assert getattr(resolve({"model": "nano"}, {name: "1.5x"}), name) == "1.5x errors"
    assert getattr(resolve({"model": "nano", name: "0.04"}, {}), name) == 0.04


def test_what_is_allowed_follows_the_definition():
    scores = [1.0, 0.0, 1.0, 1.0]
    assert Margin("relative", 0.1).allowances(scores, higher_is_better=True) == pytest.approx([0.1, 0, 0.1, 0.1])
    assert Margin("errors", 1.5).allowances(scores, higher_is_better=True) == pytest.approx([0, 0.5, 0, 0])
    assert Margin("errors", 1.5).allowances(scores, higher_is_better=False) == pytest.approx([0.5, 0, 0.5, 0.5])
    with pytest.raises(UnicompError, match=r"in \[0, 1\]"):
        Margin("errors", 1.5).allowances([2.0], higher_is_better=True)
    with pytest.raises(UnicompError, match="at least 0"):
        Margin("relative", 0.1).allowances([-2.0], higher_is_better=True)


@pytest.mark.parametrize("margin", [Margin("relative", 0.1), Margin("errors", 1.4)])
def test_the_references_uncertainty_is_part_of_the_interval(margin):
    random = np.random.default_rng(2)
    before = (random.random(4000) < 0.7).astype(float)
    after = np.where(random.random(4000) < 0.05, 1 - before, before)
    found = compared(list(zip(before.tolist(), after.tolist(), strict=True)), margin)
    values = after - before + np.array(margin.allowances(before.tolist(), higher_is_better=True))
    half = 1.6449 * values.std(ddof=1) / 4000**0.5
    assert found.lower + found.margin == pytest.approx(values.mean() - half, abs=3e-4)
    assert found.upper + found.margin == pytest.approx(values.mean() + half, abs=3e-4)
    assert found.difference == pytest.approx(after.mean() - before.mean())


@settings(max_examples=80, deadline=None)
@given(evaluations, kinds, st.booleans())
def test_interval_p_value_and_verdict_agree_for_every_kind(pairs, margin, higher):
    found = compared(pairs, margin, higher=higher)
    assert all(isfinite(value) for value in (found.lower, found.upper, found.difference, found.stderr, found.margin))
    assert found.lower <= found.difference + 1e-12
    assert found.difference <= found.upper + 1e-12
    assert found.lower < found.upper
    assert 0 <= found.p_value <= 1
    assert (found.p_value <= 0.05) == (found.upper < -found.margin)


@settings(max_examples=60, deadline=None)
@given(evaluations, kinds, st.floats(1.0, 3.0), st.booleans())
def test_a_wider_margin_never_turns_a_pass_into_a_fail(pairs, margin, factor, higher):
    wider = {
        "absolute": margin.value * factor,
        "relative": min(margin.value * factor, 0.999),
        "errors": 1 + (margin.value - 1) * factor,
    }[margin.kind]
    if verdict(compared(pairs, margin, higher=higher)) in ("kept", "better"):
        assert verdict(compared(pairs, Margin(margin.kind, wider), higher=higher)) != "lost"


@settings(max_examples=40, deadline=None)
@given(evaluations, kinds, st.booleans())
def test_nothing_is_worse_than_itself(pairs, margin, higher):
    assert verdict(compared([(before, before) for before, _ in pairs], margin, higher=higher)) != "lost"


@settings(max_examples=40, deadline=None)
@given(st.lists(binary, min_size=1, max_size=60), kinds, st.randoms())
def test_the_order_of_items_is_irrelevant(pairs, margin, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    one, other = compared(pairs, margin), compared(shuffled, margin)
    assert (one.lower, one.upper, one.p_value) == pytest.approx((other.lower, other.upper, other.p_value), abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(binary, st.integers(0, 5)), min_size=2, max_size=60).filter(lambda rows: len({row[1] for row in rows}) > 1), kinds
)
def test_clusters_keep_interval_and_verdict_of_one_mind(rows, margin):
    found = compared([row[0] for row in rows], margin, [row[1] for row in rows])
    assert isfinite(found.lower)
    assert found.lower < found.upper
    assert (found.p_value <= 0.05) == (found.upper < -found.margin)


def retained(before, after, policy, **changes):
    sides = [side.model_copy(update=changes) for side in (measurement(before), measurement(after, artifact="b" * 8))]
    return retention(*sides, recipe="toy", family="pruning", gates=True, policy=policy, identical=False)


def test_a_share_of_a_weak_reference_is_little_and_of_its_errors_much():
    before, after = [1.0] * 300 + [0.0] * 700, [0.0] * 25 + [1.0] * 275 + [0.0] * 700
    tight = retained(before, after, Policy(capability_margin="5%", benchmark_margin="5%"))
    loose = retained(before, after, Policy(capability_margin="1.1x errors", benchmark_margin="1.1x errors"))
    assert (tight.margin, loose.margin) == (pytest.approx(0.015), pytest.approx(0.07))
    assert (tight.verdict, loose.verdict) == ("fail", "pass")
    assert "5 % of the reference (1.5 points here)" in tight.reason
    assert "1.1 times the reference's errors (7.0 points more here)" in loose.reason


def test_an_improvement_beyond_a_relative_margin_is_flagged():
    check = retained([1.0] * 500 + [0.0] * 500, [1.0] * 700 + [0.0] * 300, Policy(benchmark_margin="5%"))
    assert check.verdict == "pass"
    assert "suspicious" in check.reason


def test_where_lower_is_better_the_errors_are_the_score():
    check = retained(
        [1.0] * 100 + [0.0] * 900, [1.0] * 150 + [0.0] * 850, Policy(benchmark_margin="1.2x"), higher_is_better=False, chance=None
    )
    assert (check.verdict, check.margin) == ("fail", pytest.approx(0.02))
    assert check.difference == pytest.approx(-0.05)


def test_the_capability_is_judged_at_its_own_margin_whatever_the_benchmarks():
    before, after = [1.0] * 500 + [0.0] * 500, [0.0] * 20 + [1.0] * 480 + [0.0] * 500
    for capability, expected in (("3%", 0.015), ("10%", 0.05), (0.04, 0.04)):
        policy = Policy(capability_margin=capability, benchmark_margin=0.05 if isinstance(capability, str) else "8%")
        check = retained(before, after, policy)
        found = pool([check], policy=policy)
        low, high = found.interval
        assert found.margin == pytest.approx(expected)
        assert (low > -expected, high < -expected) == (found.verdict == "pass", found.verdict == "fail")
    assert check.capability_interval is not None


def test_what_is_left_above_chance_is_pooled_beside_the_plain_ratio():
    policy = Policy()
    checks = [
        retained([1.0] * kept + [0.0] * (400 - kept), [1.0] * (kept - 20) + [0.0] * (420 - kept), policy, chance=0.25, benchmark=str(kept))
        for kept in (300, 200)
    ]
    found = pool(checks, policy=policy)
    assert found.retention == pytest.approx((0.7 + 0.45) / (0.75 + 0.5))
    assert found.chance_corrected_retention == pytest.approx((0.45 + 0.2) / (0.5 + 0.25))
