"""From checks to capability, recipe and run: every branch of the verdict table, and its exit code."""

from __future__ import annotations

import pytest

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.api.records import Check, Estimate, RecipeVerdict
from pytest_unicomp.compare import (
    Policy,
    Ratio,
    broken,
    by_limits,
    cost,
    missing_baseline,
    pool,
    recipe_verdict,
    retention,
    run_verdict,
    sizes,
    survives_holm,
)
from pytest_unicomp.config.cost_limits import read
from tests.toys import measurement

POLICY = Policy()
WHO = {"recipe": "toy", "family": "pruning", "gates": True}
WHERE = {"dimension": "efficiency", "capability": "runtime_acceleration"}


def kept(low, high, *, benchmark="one", **changes):
    """A retention check with this interval and the verdict that follows from it."""
    verdict = "pass" if low > -0.05 else "fail" if high < -0.05 else "inconclusive"
    fields = {
        "benchmark": benchmark,
        "dimension": "performance",
        "capability": "knowledge",
        "question": "retention",
        "metric": "acc",
        "higher_is_better": True,
        "n": 500,
        "reference": Estimate(value=0.8),
        "candidate": Estimate(value=0.8 + (low + high) / 2),
        "difference": (low + high) / 2,
        "interval": (low, high),
        "confidence": 0.9,
        "margin": 0.05,
        "p_value": {"fail": 0.01, "inconclusive": 0.4, "pass": 0.99}[verdict],
        "verdict": verdict,
        "reason": f"{benchmark} says {verdict}",
    }
    return Check.model_validate({**WHO, **fields, **changes})


def other(verdict, question="artifact"):
    return kept(-0.01, 0.01, benchmark="artifact", question=question, verdict=verdict, p_value=None, reason=f"artifact says {verdict}")


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


def recipe(verdict, *, gates=True, name="toy"):
    return RecipeVerdict(
        recipe=name,
        family="pruning",
        gates=gates,
        settings={},
        calibration=None,
        verdict=verdict,
        reason=f"because {verdict}",
        capabilities=[],
        artifact=None,
    )


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


def timed(reference, candidate, margin=0.25):
    ratio = Ratio.of(reference, candidate, metric="seconds", confidence=POLICY.confidence)
    return cost(ratio, **WHO, **WHERE, benchmark="prefill-latency", margin=margin)


@pytest.mark.parametrize(
    ("candidate", "verdict"),
    [
        ([1.0, 1.1, 1.05, 1.0], "pass"),
        ([1.9, 2.1, 2.0, 2.2], "fail"),
        ([1.0, 1.7, 0.9, 1.8], "inconclusive"),
        ([0.5, 0.5, 0.5, 0.5], "pass"),
    ],
)
def test_timings_are_judged_by_the_ratio_of_their_pairs(candidate, verdict):
    check = timed([1.0, 1.0, 1.0, 1.02], candidate)
    assert (check.verdict, check.n, check.question) == (verdict, 4, "efficiency")
    assert check.interval[0] <= check.difference <= check.interval[1]
    assert "times the reference's seconds" in check.reason


def test_too_few_rounds_never_pass():
    assert timed([], []).verdict == "inconclusive"
    assert timed([1.0], [0.5]).verdict == "inconclusive"


def test_sizes_are_exact_and_need_no_interval():
    both = [measurement([]).model_copy(update={"value": value, "metric": "bytes"}) for value in (1000.0, 270.0)]
    smaller = cost(sizes(*both, recipe="r", confidence=0.9), **WHO, **WHERE, benchmark="bytes", margin=0.01)
    assert (smaller.verdict, smaller.difference, smaller.interval) == ("pass", pytest.approx(0.73), (pytest.approx(0.73),) * 2)
    assert "0.270 times the reference's bytes (exact)" in smaller.reason
    assert timed(100.0, 126.0).verdict == "fail"
    assert timed(100.0, 124.0).verdict == "pass"
    with pytest.raises(UnicompError, match="has no value"):
        sizes(*[measurement([]).model_copy(update={"value": None})] * 2, recipe="r", confidence=0.9)


def test_one_number_that_is_not_repeatable_has_no_interval_and_is_told_as_such():
    once = Ratio.of(100.0, 90.0, metric="bytes", confidence=0.9, repeatable=False)
    assert (once.interval, once.difference) == (None, pytest.approx(0.1))
    assert str(once) == "0.900 times the reference's bytes (measured once, spread not known)"


def test_beside_its_own_limit_an_undecided_ratio_is_shown_without_the_limit_that_does_not_hold():
    rounds = Ratio.of([1.0, 1.0, 1.0, 1.02], [1.0, 1.7, 0.9, 1.8], metric="seconds", confidence=POLICY.confidence)
    check = cost(rounds, **WHO, **WHERE, benchmark="prefill-latency", margin=0.25)
    assert check.verdict == "inconclusive"
    limited = by_limits(check, rounds.after, read("prefill-latency", "<= 60 s"), ratio=rounds)
    assert (limited.verdict, limited.margin) == ("pass", None)
    assert limited.reason.endswith(f"limit <= 60 s; {rounds}")


def test_a_missing_baseline_fails_once_and_says_where_it_went():
    current = measurement([1.0, 0.0])
    written = missing_baseline(current, **WHO, policy=POLICY, written="baselines/nano/toy/toy.json")
    assert written.verdict == "fail"
    assert "baselines/nano/toy/toy.json" in written.reason
    assert missing_baseline(current, **WHO, policy=POLICY).verdict == "not_comparable"


def test_a_broken_cell_is_an_error_that_carries_its_message():
    check = broken(
        **WHO, **WHERE, benchmark="toy", question="retention", metric="acc", higher_is_better=True, policy=POLICY, message="out of memory"
    )
    assert (check.verdict, check.reason, check.interval) == ("error", "out of memory", None)
    assert recipe_verdict([check], policy=POLICY)[0] == "error"


def test_a_model_compared_with_itself_keeps_its_capability_on_ten_items():
    same = measurement([1.0] * 8 + [0.0] * 2)
    check = retention(same, same, **WHO, policy=POLICY, identical=True)
    assert pool([check], policy=POLICY).verdict == "pass"
