"""How likely a model without any loss passes: from the widths of the intervals, against simulation by the real rule."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_unicomp.compare import pool, stats, unchanged, unchanged_gate
from tests.compare.toy_checks import POLICY, kept


def found(*checks):
    names = dict.fromkeys(check.capability for check in checks)
    return unchanged(checks, [pool([check for check in checks if check.capability == name], policy=POLICY) for name in names], POLICY)


@pytest.mark.parametrize(("n", "discordance"), [(1000, 0.1), (1000, 0.2), (4000, 0.2)])
def test_the_probability_is_that_of_the_simulated_gate(n, discordance):
    counts = np.random.default_rng(n).multinomial(n, [discordance / 2, discordance / 2, 1 - discordance], size=4000)
    simulated = stats.decide_counts(counts[:, 0], counts[:, 1], n, margin=0.03, alpha=0.05).passes.mean()
    half = n * discordance / 2
    lower, upper = stats.tango_interval(half, half, n, confidence=0.9)
    assert found(kept(lower, upper, n=n)).passes == pytest.approx(simulated, abs=0.03)


def test_ten_capabilities_pass_together_less_often_than_each():
    one = found(kept(-0.025, 0.025))
    ten = found(*(kept(-0.025, 0.025, capability=f"c{place}", benchmark=f"b{place}") for place in range(10)))
    assert ten.passes == pytest.approx(one.passes**10)


def test_the_benchmark_with_the_widest_interval_is_the_one_to_enlarge():
    checks = [kept(-low, low, capability=f"c{low}", benchmark=f"b{low}") for low in (0.005, 0.028, 0.015)]
    raised = found(*checks)
    assert raised.raised_by == "b0.028"
    assert raised.passes < raised.raised_to
    assert unchanged_gate([raised, raised]).passes == pytest.approx(raised.passes**2)
    assert unchanged_gate([raised, None]) is None


def test_a_reference_at_chance_never_passes_and_a_capability_without_interval_is_unknown():
    at_chance = kept(-0.01, 0.01).model_copy(update={"verdict": "inconclusive", "chance": 0.25, "chance_corrected_retention": None})
    assert found(at_chance).passes == 0
    assert found(kept(-0.01, 0.01).model_copy(update={"interval": None})) is None


def test_of_two_recipes_the_one_that_gains_most_is_raised_and_the_other_counts_as_it_is():
    sure, doubtful = found(kept(-0.001, 0.001, benchmark="z")), found(kept(-0.028, 0.028, benchmark="a"))
    for pair in ([sure, doubtful], [doubtful, sure]):
        both = unchanged_gate(pair)
        assert both.passes == pytest.approx(sure.passes * doubtful.passes)
        assert (both.raised_by, both.raised_to) == ("a", pytest.approx(sure.passes * doubtful.raised_to))
    # By what it gains, whatever its name.
    last = found(kept(-0.028, 0.028, benchmark="zz"))
    assert unchanged_gate([found(kept(-0.001, 0.001, benchmark="a")), last]).raised_by == "zz"
    assert unchanged_gate([]) is None


def test_waived_checks_decide_nothing_and_benchmarks_of_one_capability_are_pooled():
    wide, narrow = kept(-0.04, 0.04, benchmark="wide"), kept(-0.01, 0.01, benchmark="narrow")
    assert found(wide.model_copy(update={"waived": True}), narrow) == found(narrow)
    # The mean of two independent intervals is narrower than their mean width.
    assert found(wide, narrow).passes > found(kept(-0.025, 0.025)).passes
    assert found(wide, narrow).raised_by == "wide"


def test_rates_and_nats_of_one_capability_must_both_pass():
    rate, nats = kept(-0.025, 0.025, benchmark="rate"), kept(-0.02, 0.02, benchmark="nats", metric="nats_per_token")
    assert found(rate, nats).passes == pytest.approx(found(rate).passes * found(nats).passes)


def test_a_waived_capability_is_left_out_and_the_others_count():
    lost, sure, doubtful = (
        kept(-0.3, -0.2, benchmark="a", capability="a"),
        kept(-0.01, 0.01, benchmark="b", capability="b"),
        kept(-0.028, 0.028, benchmark="c", capability="c"),
    )
    capabilities = [pool([check], policy=POLICY) for check in (lost, sure, doubtful)]
    waived = [capabilities[0].model_copy(update={"waived": True}), *capabilities[1:]]
    both = unchanged([lost, sure, doubtful], waived, POLICY)
    assert both == unchanged([sure, doubtful], capabilities[1:], POLICY)
    assert both.passes == pytest.approx(found(sure).passes * found(doubtful).passes)
    assert (both.raised_by, both.raised_to) == ("c", pytest.approx(found(sure).passes * found(doubtful).raised_to))
    # A capability without a check of its own stops nothing, and other questions do not count.
    assert unchanged([sure], [capabilities[2], capabilities[1]], POLICY) == found(sure)
    other = kept(-0.5, 0.5, benchmark="d", capability="b", question="drift")
    assert unchanged([sure, other], capabilities[1:2], POLICY) == found(sure)


def test_of_two_benchmarks_only_the_one_that_grows_gets_narrower():
    wide, narrow = kept(-0.05, 0.05, benchmark="wide"), kept(-0.03, 0.03, benchmark="narrow")
    both = found(wide, narrow)
    width = ((0.05**2 / 2 + 0.03**2) ** 0.5) / 2
    assert both.raised_to == pytest.approx(stats.passing_probability(width, 0.03, alpha=0.05))
    assert both.passes == pytest.approx(stats.passing_probability((0.05**2 + 0.03**2) ** 0.5 / 2, 0.03, alpha=0.05))


def test_what_to_enlarge_is_chosen_by_what_it_gains_whatever_its_name():
    sure, doubtful = kept(-0.001, 0.001, capability="z", benchmark="z"), kept(-0.028, 0.028, capability="a", benchmark="a")
    assert found(sure, doubtful).raised_by == "a"
