"""Verdict of a recipe and of a run, with the exit code: every branch of the verdict table."""

from __future__ import annotations

import pytest

from pytest_unicomp import compare
from pytest_unicomp.api.records import ReplyChange, ShareChange, Slice
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


def test_what_passed_what_was_waived_and_how_many_reasons_there_are_is_said():
    waived = kept(-0.09, -0.06, benchmark="arc", capability="reasoning", waived=True)
    both = [kept(-0.01, 0.01), kept(-0.01, 0.01, benchmark="two", capability="long_context")]
    assert recipe_verdict(both, policy=POLICY)[1] == "kept: knowledge, long context"
    must = other("fail", "must_pass").model_copy(update={"waived": True})
    assert recipe_verdict([*both, waived, must], policy=POLICY)[1] == (
        "kept: knowledge, long context; waived: arc retention, artifact must-pass"
    )
    assert recipe_verdict([waived], policy=POLICY)[:2] == ("pass", "kept: nothing; waived: arc retention")
    assert recipe_verdict([other("pass"), must], policy=POLICY)[1] == "1 check passed, 1 waived; no capability was measured"
    lost = recipe_verdict([other("fail"), other("fail", "drift")], policy=POLICY)
    assert lost[1] == "artifact artifact: artifact says fail (and 1 more reason)"
    assert recipe_verdict([other("fail")], policy=POLICY)[1] == "artifact artifact: artifact says fail"
    three = recipe_verdict([other("fail"), other("fail", "drift"), other("fail", "must_pass")], policy=POLICY)
    assert three[1].endswith(" (and 2 more reasons)")


def test_a_must_pass_item_that_was_not_measured_does_not_merely_inform():
    found = recipe_verdict([kept(-0.01, 0.01), other("inconclusive", "must_pass")], policy=POLICY)
    assert found[:2] == ("inconclusive", "artifact must-pass: artifact says inconclusive")


def test_the_gain_from_other_text_decides_nothing():
    assert recipe_verdict([kept(-0.01, 0.01), other("fail", "calibration")], policy=POLICY)[0] == "pass"


def test_a_p_value_of_exactly_alpha_still_fails():
    assert survives_holm(kept(-0.09, -0.06, p_value=0.05), [], 0.05)
    # Twice this over two benchmarks.
    lost = kept(-0.09, -0.06, p_value=0.025)
    assert recipe_verdict([lost, kept(0.05, 0.1, benchmark="up")], policy=POLICY)[0] == "fail"


def test_the_reason_of_a_run_names_its_recipes():
    assert run_verdict([recipe("pass"), recipe("pass", name="other")], POLICY)[2] == "every gating recipe passes: toy, other"
    assert run_verdict([recipe("fail"), recipe("fail", name="other")], POLICY)[2] == "toy: because fail (and 1 more reason)"


def reliability(verdict, **changes):
    return kept(-0.01, 0.01, benchmark="safe", dimension="reliability", capability="safety", verdict=verdict, **changes)


def test_hidden_danger_is_a_reliability_capability_that_failed_while_all_performance_passed():
    knowledge = kept(-0.01, 0.01)
    danger = kept(-0.2, -0.1, benchmark="safe", dimension="reliability", capability="safety")
    pooled = [compare.pool([one], policy=POLICY) for one in (knowledge, danger)]
    assert compare.hidden_danger([knowledge, danger], pooled, POLICY) == (
        "hidden danger: performance is kept (knowledge), but safety is lost"
    )
    waived = [pooled[0], pooled[1].model_copy(update={"waived": True})]
    assert compare.hidden_danger([knowledge, danger], waived, POLICY) is None
    doubtful = [pooled[0].model_copy(update={"verdict": "inconclusive"}), pooled[1]]
    assert compare.hidden_danger([knowledge, danger], doubtful, POLICY) is None


def test_a_slice_lost_by_luck_among_many_benchmarks_is_no_hidden_danger():
    def sliced(name, p_value, *, lost=True):
        part = Slice(name="x", n=40, reference=1.0, candidate=0.8, difference=-0.2, interval=(-0.3, -0.1), p_value=p_value, lost=lost)
        return reliability("pass", worst_slice=part).model_copy(update={"benchmark": name})

    knowledge = kept(-0.01, 0.01)
    pooled = [compare.pool([knowledge], policy=POLICY)]
    assert compare.hidden_danger([knowledge, sliced("a", 0.04)], pooled, POLICY) == (
        "hidden danger: performance is kept (knowledge), but a falls from 100 to 80 % on x (40 items)"
    )
    assert compare.hidden_danger([knowledge, sliced("a", 0.05)], pooled, POLICY) is not None
    assert compare.hidden_danger([knowledge, sliced("a", 0.04), sliced("b", 0.9)], pooled, POLICY) is None
    assert compare.hidden_danger([knowledge, sliced("a", 0.001), sliced("b", 0.9)], pooled, POLICY) is not None
    assert compare.hidden_danger([knowledge, sliced("a", 0.001, lost=False)], pooled, POLICY) is None
    waived = sliced("a", 0.001).model_copy(update={"waived": True})
    assert compare.hidden_danger([knowledge, waived], pooled, POLICY) is None
    # A reference at chance has nothing to lose in a slice either.
    guessing = sliced("a", 0.001).model_copy(update={"verdict": "inconclusive", "chance": 0.5, "chance_corrected_retention": None})
    assert compare.hidden_danger([knowledge, guessing], pooled, POLICY) is None
    # Slices of performance benchmarks are no danger of this kind.
    own = sliced("a", 0.001).model_copy(update={"dimension": "performance"})
    assert compare.hidden_danger([knowledge, own], pooled, POLICY) is None


def test_a_hidden_danger_is_the_first_reason_of_several():
    danger = kept(-0.2, -0.1, benchmark="safe", dimension="reliability", capability="safety", p_value=0.9)
    found = recipe_verdict([other("fail"), kept(-0.01, 0.01), danger], policy=POLICY)
    assert found[0] == "fail"
    assert found[1].startswith("hidden danger: ")


def test_without_a_capability_the_checks_are_counted():
    assert recipe_verdict([], policy=POLICY)[1] == "nothing was measured"
    both = [other("pass"), other("pass", "efficiency")]
    assert recipe_verdict(both, policy=POLICY)[1] == "2 checks passed; no capability was measured"
    doubtful = [kept(-0.01, 0.01), other("inconclusive", "efficiency"), other("inconclusive", "drift")]
    assert recipe_verdict(doubtful, policy=POLICY)[1] == ("kept: knowledge (undecided, informs only: artifact efficiency, artifact drift)")


def test_a_hidden_danger_names_all_that_was_kept_and_all_that_is_lost():
    part = Slice(name="x", n=40, reference=0.9, candidate=0.5, difference=-0.4, interval=(-0.5, -0.3), p_value=0.001, lost=True)
    checks = [
        kept(-0.01, 0.01),
        kept(-0.01, 0.01, benchmark="two", capability="reasoning"),
        reliability("pass", worst_slice=part),
        kept(-0.2, -0.1, benchmark="fair", dimension="reliability", capability="fairness"),
    ]
    pooled = [compare.pool([one], policy=POLICY) for one in checks]
    assert compare.hidden_danger(checks, pooled, POLICY) == (
        "hidden danger: performance is kept (knowledge, reasoning), but fairness is lost, safe falls from 90 to 50 % on x (40 items)"
    )


def test_the_reason_of_a_recipe_begins_with_its_largest_loss_relative_to_the_margin():
    small, large = kept(-0.09, -0.06, capability="knowledge", benchmark="one"), kept(-0.90, -0.80, capability="reasoning", benchmark="two")
    for checks in ([small, large], [large, small]):
        _, reason, capabilities = recipe_verdict(checks, policy=POLICY)
        assert reason.startswith("reasoning: lost")
        assert [found.capability for found in capabilities] == [check.capability for check in checks], "the order of the matrix stays"


def looping(share, **changes):
    """A kept retention check of whose replies the candidate's loop this often, with a p-value that shows it."""
    rise = ShareChange(reference=0.01, candidate=share, difference=share - 0.01, interval=(share - 0.03, share), p_value=0.001)
    own = ReplyChange(
        n=500,
        tokens=None,
        length_ratio=None,
        length_ratio_interval=None,
        truncated=None,
        looping=rise,
        unfinished=None,
        only_in_thoughts=None,
    )
    return kept(-0.01, 0.01, benchmark="gsm8k", replies=own, **changes)


def test_kept_scores_with_replies_that_loop_are_a_hidden_danger():
    verdict, reason, _ = recipe_verdict([looping(0.2)], policy=POLICY)
    assert verdict == "fail"
    assert reason == (
        "hidden danger: performance is kept (knowledge), but of the replies to gsm8k 20 % repeat themselves to the end (reference 1 %)"
    )
    assert recipe_verdict([looping(0.2, waived=True), kept(-0.01, 0.01)], policy=POLICY)[0] == "pass"
    assert "hidden danger" not in recipe_verdict([looping(0.2), kept(-0.09, -0.06)], policy=POLICY)[1]


def test_a_capability_without_a_difference_is_named_after_those_that_have_one():
    unknown = kept(
        -0.04, 0.0, capability="ethics", benchmark="unknown", interval=None, difference=None, verdict="inconclusive", p_value=None
    )
    known = kept(-0.04, 0.0, capability="knowledge", benchmark="known")
    for checks in ([unknown, known], [known, unknown]):
        verdict, reason, _ = recipe_verdict(checks, policy=POLICY)
        assert verdict == "inconclusive"
        assert reason.startswith("knowledge: undecided")


def test_the_first_reason_is_the_loss_that_is_the_largest_multiple_of_its_own_margin():
    policy = Policy(margins={"knowledge": 0.02, "reasoning": 0.2})
    # Three times its margin, and one and a half times.
    small, large = kept(-0.07, -0.05, capability="knowledge", benchmark="one"), kept(-0.32, -0.28, capability="reasoning", benchmark="two")
    for checks in ([small, large], [large, small]):
        assert recipe_verdict(checks, policy=policy)[1].startswith("knowledge: lost")
