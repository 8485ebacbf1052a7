"""How likely a model without any loss passes: from the flips of a run, against simulation by the real rule."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import NATS, pool, retention, stats, unchanged, unchanged_gate
from pytest_unicomp.compare.expected import Expected, design_effect, discordance, items_to_decide, spread
from pytest_unicomp.compare.simulated_gate import chances, fails_alone, most_helpful, passes_alone
from tests.compare.toy_checks import POLICY, kept
from tests.toys import measurement


def flipping(share, *, n=1000, name="one", **changes):
    """A retention check of n items of which this share flips."""
    return kept(-0.02, 0.02, n=n, discordance=share, benchmark=name, **{"capability": name, **changes})


def found(*checks):
    names = dict.fromkeys(check.capability for check in checks)
    return unchanged(checks, [pool([check for check in checks if check.capability == name], policy=POLICY) for name in names], POLICY)


def expected(share=0.05, **changes):
    fields = {"benchmark": "one", "capability": "knowledge", "items": 500, "discordance": share, "spread": None, "design_effect": 1.0}
    return Expected(**{**fields, "margin": 0.05, "capability_margin": 0.03, **changes})


@pytest.mark.parametrize(("n", "share"), [(1000, 0.1), (1000, 0.2), (4000, 0.2), (300, 0.0), (110, 0.0), (300, 0.01)])
def test_the_probability_is_that_of_the_real_rule_at_the_flips_seen(n, share):
    seen = discordance(share * n, n)
    counts = np.random.default_rng(n).multinomial(n, [seen / 2, seen / 2, 1 - seen], size=20000)
    simulated = stats.decide_counts(counts[:, 0], counts[:, 1], n, margin=0.03, alpha=0.05).passes.mean()
    assert found(flipping(share, n=n)).passes == pytest.approx(simulated, abs=0.02)


def test_items_without_any_flip_are_not_certain_to_have_none_next_time():
    assert found(flipping(0.0, n=98)).passes < 1
    # Below the rule of three only a chance gain decides.
    assert found(flipping(0.0, n=90)).passes < 0.3
    assert found(flipping(0.0, n=2000)).passes > 0.999


def test_ten_capabilities_pass_together_less_often_than_each():
    one = found(flipping(0.1))
    ten = found(*(flipping(0.1, name=f"b{place}") for place in range(10)))
    assert ten.passes == pytest.approx(one.passes**10, abs=0.04)


def test_the_benchmark_that_stops_the_gate_most_is_the_one_to_enlarge_whatever_its_name_and_place():
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        checks = [flipping((0.01, 0.2, 0.08)[place], name="cba"[place]) for place in order]
        raised = found(*checks)
        assert raised.raised_by == "b"
        assert raised.raised_to > raised.passes + 0.1
        assert raised.raised_to == pytest.approx(found(*checks[:0], *(_doubled(check) for check in checks)).passes, abs=0.02)


def _doubled(check):
    return check.model_copy(update={"n": 2 * check.n}) if check.benchmark == "b" else check


def test_a_gate_of_recipes_passes_as_often_as_all_of_them_and_the_one_that_gains_most_is_raised():
    sure, doubtful = found(flipping(0.01, name="z")), found(flipping(0.15, name="a"))
    for pair in ([sure, doubtful], [doubtful, sure]):
        both = unchanged_gate(pair)
        assert both.passes == pytest.approx(sure.passes * doubtful.passes)
        assert (both.raised_by, both.raised_to) == ("a", pytest.approx(sure.passes * doubtful.raised_to))
    assert unchanged_gate([sure, None]) is None
    assert unchanged_gate([]) is None


def test_a_reference_at_chance_never_passes_and_a_capability_without_interval_is_unknown():
    at_chance = flipping(0.01).model_copy(update={"verdict": "inconclusive", "chance": 0.25, "chance_corrected_retention": None})
    assert found(at_chance).passes == 0
    assert found(flipping(0.01).model_copy(update={"interval": None})) is None


def test_waived_checks_and_capabilities_decide_nothing_and_benchmarks_of_one_capability_are_pooled():
    wide, narrow = flipping(0.2, name="wide", capability="knowledge"), flipping(0.02, name="narrow", capability="knowledge")
    assert found(wide.model_copy(update={"waived": True}), narrow) == found(narrow)
    # The mean of two independent differences varies less than each.
    assert found(wide, narrow).passes > found(wide).passes
    assert found(wide, narrow).raised_by == "wide"
    capabilities = [pool([check], policy=POLICY) for check in (flipping(0.4, name="a"), flipping(0.02, name="b"))]
    waived = [capabilities[0].model_copy(update={"waived": True}), capabilities[1]]
    checks = [flipping(0.4, name="a"), flipping(0.02, name="b"), flipping(0.4, name="d", capability="b", question="drift")]
    assert unchanged(checks, waived, POLICY) == found(flipping(0.02, name="b"))


def test_identical_weights_pass_whatever_the_items_are():
    assert found(flipping(0.3, n=5, interval=(0.0, 0.0), difference=0.0)).passes == 1


def test_rates_and_nats_of_one_capability_must_both_pass():
    rate, nats = expected(0.1, items=1000), expected(spread=0.5, items=1000, benchmark="nats", in_nats=True)
    alone = [chances([one], alpha=0.05).passes for one in (rate, nats)]
    assert chances([rate, nats], alpha=0.05).passes == pytest.approx(alone[0] * alone[1], abs=0.02)


def test_clusters_cost_what_fewer_items_do():
    assert chances([expected(design_effect=2.0, items=1000)], alpha=0.05).passes == pytest.approx(
        chances([expected()], alpha=0.05).passes, abs=1e-12
    )


def test_a_loss_fails_more_often_the_larger_it_is_and_one_on_the_margin_as_rarely_as_promised():
    caught = [chances([expected(items=1000)], alpha=0.05, drop=drop).fails for drop in (0.0, 0.03, 0.06, 0.1)]
    assert caught[0] < 0.001
    assert caught[1] < 0.06
    assert caught[1] < caught[2] < caught[3]
    assert fails_alone(expected(items=1000), alpha=0.05, drop=0.05) < 0.07
    assert passes_alone(expected(items=1000), alpha=0.05) > chances([expected(items=1000)], alpha=0.05).passes


def test_all_that_helps_is_found_among_the_most_doubtful_of_many():
    many = [expected(0.02, benchmark=f"b{place}", capability=f"c{place}") for place in range(30)]
    many[17] = expected(0.12, benchmark="b17", capability="c17")
    name, raised = most_helpful(many, alpha=0.05)
    assert name == "b17"
    assert raised > chances(many, alpha=0.05).passes + 0.1


def test_a_check_knows_how_much_its_items_vary_and_says_so_with_the_words_of_a_plan():
    before = measurement([1.0] * 100)
    clustered = [item.model_copy(update={"cluster": f"passage {place // 10}"}) for place, item in enumerate(before.items)]
    scores = [0.0] * 3 + [1.0] * 97
    after = before.model_copy(
        update={"artifact": "b", "items": [item.model_copy(update={"score": score}) for item, score in zip(clustered, scores, strict=True)]}
    )
    pair = (before.model_copy(update={"items": clustered}), after)
    check = retention(*pair, recipe="toy", family="pruning", gates=True, policy=POLICY, identical=False)
    differences = [score - 1 for score in scores]
    assert check.design_effect == design_effect(differences, [item.cluster for item in clustered]) > 1
    assert (check.spread, check.discordance) == (None, 0.03)
    fields = check.model_dump(include={"n", "discordance", "spread", "design_effect"})
    needed = items_to_decide(fields, 0.05, check.difference, alpha=0.05)
    assert needed == stats.items_to_decide(3.5 / 101, 0.05, difference=-0.03, design_effect=check.design_effect, alpha=0.05)
    assert f"about {needed} items would decide (80 % power)" in check.reason


def test_partial_credit_that_never_differs_is_not_taken_to_be_without_any_spread():
    assert spread([0.0] * 99, bounded=True) == pytest.approx((0.5 / 100) ** 0.5)
    assert spread([0.1, -0.1], bounded=False) == pytest.approx(stats.mean([0.1, -0.1]).stderr * 2**0.5)


def test_partial_credit_is_pooled_with_right_or_wrong_items_and_nats_are_not():
    credit = {"benchmark": "two", "discordance": 0.5, "spread": 0.25}
    pooled, apart = (chances([expected(0.08), expected(**credit, **how)], alpha=0.05).passes for how in ({}, {"capability": "reasoning"}))
    assert pooled > apart + 0.1
    assert chances([expected(0.08), expected(**credit, in_nats=True)], alpha=0.05).passes == pytest.approx(apart)
    graded = flipping(0.3, name="two", capability="one", spread=0.2)
    both = found(flipping(0.08), graded)
    assert both.passes > found(flipping(0.08), graded.model_copy(update={"capability": "two"})).passes + 0.05


@pytest.mark.parametrize("drop", [0.0, 0.03, 0.05, 0.08])
def test_two_benchmarks_of_a_capability_are_worth_one_of_twice_the_items(drop):
    wide = {"margin": 0.5, "capability_margin": 0.03}
    pair = [expected(items=500, benchmark=name, **wide) for name in ("one", "two")]
    both, twice = chances(pair, alpha=0.05, drop=drop), chances([expected(items=1000, **wide)], alpha=0.05, drop=drop)
    assert (both.passes, both.fails) == pytest.approx((twice.passes, twice.fails), abs=0.04)


def test_more_items_of_the_one_doubtful_benchmark_leave_the_others_as_sure_as_they_were():
    sure, doubtful = (
        expected(0.001, items=2000, benchmark="sure", capability="a"),
        expected(0.12, items=600, benchmark="doubtful", capability="b"),
    )
    name, raised = most_helpful([sure, doubtful], alpha=0.05)
    assert name == "doubtful"
    assert raised == pytest.approx(
        chances([sure, expected(0.12, items=1200, benchmark="doubtful", capability="b")], alpha=0.05).passes, abs=0.03
    )


def test_nats_and_rates_of_one_capability_are_pooled_apart_in_what_a_report_says():
    rate = flipping(0.1, name="rate", capability="knowledge")
    nats = flipping(0.1, name="nats", capability="knowledge", metric=NATS, higher_is_better=False, spread=0.5)
    alone = [
        chances([expected(0.1, items=1000)], alpha=0.05).passes,
        chances([expected(spread=0.5, items=1000, in_nats=True)], alpha=0.05).passes,
    ]
    assert found(rate, nats).passes == pytest.approx(alone[0] * alone[1], abs=0.04)


@pytest.mark.parametrize("unknown", [{"difference": None}, {"n": 0}, {"margin": None}])
def test_a_check_without_its_numbers_leaves_the_gate_unknown(unknown):
    check = flipping(0.01)
    capability = pool([check], policy=POLICY)
    assert unchanged([check], [capability], POLICY) is not None
    assert unchanged([check.model_copy(update=unknown)], [capability], POLICY) is None
    assert unchanged([flipping(0.01, n=1)], [capability], POLICY) is not None


def test_of_many_benchmarks_of_one_capability_the_widest_is_tried():
    same = [expected(0.02, items=1000, benchmark=f"b{place}") for place in range(9)]
    same[8] = expected(0.5, items=100, benchmark="b8")
    assert most_helpful(same, alpha=0.05)[0] == "b8"
