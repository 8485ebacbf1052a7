"""Margins by name: the nearest exception wins, and only if it applies."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UsageProblem
from pytest_unicomp.compare import Policy, pool, retention
from tests.toys import measurement

POLICY = Policy(
    margins={"knowledge": 0.1, "acc": 0.2, "toy": 0.3, "reasoning": "5%", "wanda-50": {"knowledge": 0.4, "acc": 0.15}},
)


@pytest.mark.parametrize(
    ("names", "pooled", "single"),
    [
        ({"recipe": "rtn", "capability": "safety"}, 0.03, 0.05),
        ({"recipe": "rtn", "capability": "knowledge", "benchmark": "other", "metric": "acc"}, 0.1, 0.2),
        ({"recipe": "rtn", "capability": "knowledge", "benchmark": "toy", "metric": "acc"}, 0.1, 0.3),
        ({"recipe": "wanda-50", "capability": "knowledge", "benchmark": "toy", "metric": "acc"}, 0.4, 0.15),
        ({"recipe": "wanda-50", "capability": "reasoning", "benchmark": "other", "metric": "f1"}, 0.05, 0.05),
    ],
)
def test_the_nearest_exception_wins(names, pooled, single):
    own = POLICY.of(**names)
    assert (own.capability.value, own.benchmark.value) == (pooled, single)


def test_a_check_and_its_capability_are_judged_at_their_own_margins():
    before, after = measurement([1.0] * 900 + [0.0] * 100), measurement([1.0] * 820 + [0.0] * 180, artifact="b")
    named = {"family": "pruning", "gates": True, "identical": False}
    strict = retention(before, after, recipe="rtn", policy=Policy(), **named)
    assert (strict.verdict, pool([strict], policy=Policy()).verdict) == ("fail", "fail")
    loose = Policy(margins={"rtn": {"knowledge": 0.2, "toy": 0.12}})
    check = retention(before, after, recipe="rtn", policy=loose, **named)
    assert (check.verdict, check.margin) == ("pass", 0.12)
    found = pool([check], policy=loose)
    assert (found.verdict, found.margin) == ("pass", 0.2)
    assert retention(before, after, recipe="wanda-50", policy=loose, **named).verdict == "fail"


@pytest.mark.parametrize("margins", [{"knowledge": float("nan")}, {"knowledge": -0.1}, {"wanda-50": {"acc": "5 percent"}}])
def test_what_is_no_margin_is_refused_with_its_place(margins):
    with pytest.raises(UsageProblem, match=r"margins\.(knowledge|wanda-50\.acc) is "):
        Policy(margins=margins)


@pytest.mark.parametrize("settings", [{"alpha": 0.0}, {"alpha": 0.5}, {"capability_margin": -0.1}, {"drift_margin": float("nan")}])
def test_a_policy_without_meaning_is_refused(settings):
    with pytest.raises(UsageProblem, match=next(iter(settings))):
        Policy(**settings)


def test_a_drift_margin_of_nothing_is_one_and_an_infinite_one_is_none():
    assert Policy(drift_margin=0).drift_margin == 0
    with pytest.raises(
        UsageProblem, match=r"^unicomp: drift_margin is inf; expected a finite number of at least 0, such as 0\.03 for 3 points\.$"
    ):
        Policy(drift_margin=float("inf"))
    with pytest.raises(UsageProblem, match=r"^unicomp: alpha is 0\.5; expected a number above 0 and below 0\.5, such as 0\.05\.$"):
        Policy(alpha=0.5)


def test_a_limit_on_replies_that_cannot_be_read_is_named_with_its_place():
    with pytest.raises(UsageProblem, match=r"^unicomp: reply_limits\.toy\.loping is 0\.1; expected one of "):
        Policy(reply_limits={"toy": {"loping": 0.1}})
