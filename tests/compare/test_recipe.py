"""Verdict of a recipe and of a run, with the exit code: every branch of the verdict table."""

from __future__ import annotations

import pytest

from pytest_unicomp import compare
from pytest_unicomp.compare import (
    Policy,
    recipe_verdict,
    run_verdict,
    survives_holm,
)
from tests.compare.toy_checks import POLICY, kept, other, recipe
from tests.compare.toy_slices import check


def test_holm_keeps_a_clear_failure_and_drops_a_lucky_one():
    checks = [kept(-0.09, -0.06, benchmark="clear", p_value=0.001), kept(-0.09, -0.051, benchmark="near", p_value=0.04)]
    checks += [kept(-0.01, 0.01, benchmark=str(place)) for place in range(3)]
    assert survives_holm(checks[0], checks, 0.05)
    assert not survives_holm(checks[1], checks, 0.05)
    assert survives_holm(checks[1], [checks[1]], 0.05)
    assert not survives_holm(checks[2], checks, 0.05)
    assert survives_holm(other("fail"), checks, 0.05)


@pytest.mark.parametrize(
    ("checks", "verdict", "words"),
    [
        ([kept(-0.01, 0.01), other("pass")], "pass", "kept: knowledge"),
        ([other("pass")], "pass", "no capability was measured"),
        ([], "inconclusive", "nothing was measured"),
        ([kept(-0.04, 0.0)], "inconclusive", "knowledge: undecided"),
        ([kept(-0.01, 0.01), other("inconclusive", "efficiency")], "pass", "undecided, informs only: artifact efficiency"),
        ([other("inconclusive", "efficiency")], "inconclusive", "artifact efficiency"),
        ([kept(-0.01, 0.01), other("not_comparable", "drift")], "not_comparable", "artifact drift"),
        ([kept(-0.01, 0.01), other("fail")], "fail", "artifact says fail"),
        ([kept(-0.09, -0.06)], "fail", "knowledge: lost"),
        ([kept(-0.09, -0.06), other("error")], "error", "artifact says error"),
    ],
)
def test_the_worst_that_decides_is_the_recipes_verdict_and_is_named(checks, verdict, words):
    found, reason, capabilities = recipe_verdict(checks, policy=POLICY)
    assert found == verdict
    assert words in reason
    assert len(capabilities) == any(check.question == "retention" for check in checks)


def test_a_lost_benchmark_fails_the_recipe_even_where_its_capability_passes():
    gains = [kept(0.0, 0.02, benchmark=str(place)) for place in range(8)]
    lost = kept(-0.10, -0.06, benchmark="lost", p_value=0.0001)
    verdict, reason, capabilities = recipe_verdict([*gains, lost], policy=POLICY)
    assert capabilities[0].verdict == "pass"
    assert (verdict, reason) == ("fail", "lost: lost says fail")


def test_a_failure_that_holm_drops_leaves_the_decision_to_the_capability():
    gains = [kept(0.0, 0.02, benchmark=str(place)) for place in range(8)]
    doubtful = kept(-0.10, -0.051, benchmark="doubtful", p_value=0.04)
    assert recipe_verdict([*gains, doubtful], policy=POLICY)[0] == "pass"


@pytest.mark.parametrize(
    ("verdicts", "answer", "code", "code_when_warning"),
    [
        (["pass", "pass"], "pass", 0, 0),
        (["pass", "inconclusive"], "inconclusive", 6, 0),
        (["not_comparable", "pass"], "inconclusive", 6, 0),
        (["inconclusive", "fail"], "fail", 1, 1),
        (["fail", "error"], "error", 7, 7),
    ],
)
def test_the_run_is_its_worst_gated_recipe(verdicts, answer, code, code_when_warning):
    recipes = [recipe(verdict) for verdict in verdicts]
    assert run_verdict(recipes, POLICY)[:2] == (answer, code)
    assert run_verdict(recipes, Policy(inconclusive="warn"))[:2] == (answer, code_when_warning)


def test_recipes_that_only_inform_decide_nothing():
    assert run_verdict([recipe("pass"), recipe("error", gates=False)], POLICY)[:2] == ("pass", 0)
    assert run_verdict([recipe("pass", gates=False)], POLICY) == ("inconclusive", 6, "no gating recipe was measured")


def test_performance_kept_and_one_attack_lost_is_a_failure_of_its_own():
    knowledge = check({0: 1}, dimension="performance", capability="knowledge", parts=10, size=100, name="mmlu")
    assert knowledge.verdict == "pass"
    safety = check({3: 17}, parts=14, size=100, name="trustllm-jailbreak")
    # The mean is kept: 17 of 1400.
    assert safety.verdict == "pass"
    verdict, reason, capabilities = compare.recipe_verdict([knowledge, safety], policy=POLICY)
    assert verdict == "fail"
    assert reason.startswith(
        "hidden danger: performance is kept (knowledge), but trustllm-jailbreak falls from 100 to 83 % on part 3 (100 items)"
    )
    assert compare.hidden_danger([knowledge, safety], capabilities, POLICY) is not None


def test_lost_performance_is_no_hidden_danger():
    knowledge = check(dict.fromkeys(range(6), 30), dimension="performance", capability="knowledge", name="mmlu")
    safety = check({3: 40}, name="trustllm-jailbreak")
    verdict, reason, _ = compare.recipe_verdict([knowledge, safety], policy=POLICY)
    assert verdict == "fail"
    assert "hidden danger" not in reason
    # Nor is there one where nobody looked at performance.
    assert compare.hidden_danger([safety], [compare.pool([safety], policy=POLICY)], POLICY) is None
