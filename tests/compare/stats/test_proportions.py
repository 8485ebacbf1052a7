"""Score intervals of proportions against the papers' tables, other packages and each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.proportions import check_counts, constrained_gain_rate, score
from tests.compare.stats.newcombe import newcombe_interval


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 500))
def test_newcombes_interval_checks_tangos(losses, gains, rest):
    n = losses + gains + rest + 20
    tango = stats.tango_interval(losses, gains, n, confidence=0.9)
    newcombe = newcombe_interval((rest + 20) * 0.7, losses, gains, (rest + 20) * 0.3, confidence=0.9)
    assert all(abs(one - other) < 0.06 for one, other in zip(tango, newcombe, strict=True))


# Cells (both right, right in the first only, right in the second only, neither), 95 %, as printed in Newcombe 1998, table III, method 10.
NEWCOMBE_TABLE_III = {
    (36, 12, 2, 0): (0.0569, 0.3404),
    (20, 12, 2, 16): (0.0562, 0.3292),
    (36, 14, 0, 0): (0.1528, 0.4167),
    (18, 14, 0, 18): (0.1441, 0.3963),
    (2, 97, 1, 0): (0.8721, 0.9854),
    (0, 30, 0, 0): (0.8395, 1.0),
    (54, 0, 0, 0): (-0.0664, 0.0664),
    (27, 0, 0, 27): (-0.0351, 0.0351),
}


# (losses, gains, n, confidence): R's PropCIs::scoreci.mp, and Fagerland, Lydersen & Laake 2014 for 7 and 1 of 21 (Bentur et al. 2009).
TANGO_REFERENCES = {
    (25, 28, 618, 0.90): (-0.0148, 0.0247),
    (60, 20, 1000, 0.95): (-0.0584, -0.0231),
    (7, 1, 21, 0.95): (-0.5172, -0.0260),
}


@pytest.mark.parametrize(("cells", "printed"), NEWCOMBE_TABLE_III.items())
def test_newcombe_interval_reproduces_his_table(cells, printed):
    both, first, second, neither = cells
    # He takes first - second; here it is candidate - reference, so the first is the candidate.
    found = newcombe_interval(both, second, first, neither, confidence=0.95)
    assert found == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(("case", "printed"), TANGO_REFERENCES.items())
def test_tango_interval_reproduces_other_implementations(case, printed):
    losses, gains, n, confidence = case
    assert stats.tango_interval(losses, gains, n, confidence=confidence) == pytest.approx(printed, abs=5.1e-5)


def test_tango_statistic_at_no_difference_is_mcnemars():
    from statsmodels.stats.contingency_tables import mcnemar

    table = [[40, 15], [6, 39]]
    assert stats.tango_statistic(15, 6, 100, 0.0) ** 2 == pytest.approx(mcnemar(table, exact=False, correction=False).statistic)
    assert stats.tango_statistic(15, 6, 100, 0.0) < 0


def test_tango_with_losses_only_is_the_wilson_interval():
    lower, upper = stats.wilson_interval(7, 90, confidence=0.9)
    assert stats.tango_interval(7, 0, 90, confidence=0.9)[0] == pytest.approx(-upper, abs=1e-8)
    assert stats.tango_interval(0, 7, 90, confidence=0.9)[1] == pytest.approx(upper, abs=1e-8)
    assert lower < 7 / 90 < upper


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (1, 10), (3, 10), (9, 10), (10, 10), (77, 1000)])
def test_wilson_interval_agrees_with_scipy(successes, n):
    theirs = scipy_stats.binomtest(successes, n).proportion_ci(confidence_level=0.9, method="wilson")
    assert stats.wilson_interval(successes, n, confidence=0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_a_rate_of_nothing_or_of_everything_ends_there_itself():
    assert stats.wilson_interval(0, 7, confidence=0.9)[0] == 0.0
    assert stats.wilson_interval(7, 7, confidence=0.9)[1] == 1.0
    assert stats.tango_interval(8, 0, 8, confidence=0.9)[0] == -1.0
    assert stats.tango_interval(0, 8, 8, confidence=0.9)[1] == 1.0


def test_a_rate_at_its_end_has_the_error_of_two_successes_and_two_failures_more():
    assert stats.extreme_rate_stderr(96) == pytest.approx((0.02 * 0.98 / 100) ** 0.5)


@pytest.mark.parametrize("difference", [-1.5, -1.0, 1.0, 1.5])
def test_a_difference_of_everything_is_tested_a_hair_before_it(difference):
    found = stats.tango_statistic(3, 1, 10, difference)
    assert found == pytest.approx(stats.tango_statistic(3, 1, 10, (1 - 1e-9) * (1 if difference > 0 else -1)))
    assert (found < -100) == (difference > 0)


@pytest.mark.parametrize("counts", [(-1, 0, 5), (0, -1, 5), (3, 3, 5), (0, 0, 0), (1, 0, 1 - 1e-9)])
def test_counts_below_zero_or_beyond_the_items_are_refused(counts):
    with pytest.raises(UnicompError, match=r"^unicomp: .* lost and .* gained of .* items; expected counts .* at most n >= 1\.$"):
        check_counts(*counts)


@pytest.mark.parametrize("counts", [(0, 0, 0.5), (5, 0, 5), (0, 5, 5), (2.5, 2.5, 5 - 1e-13)])
def test_counts_that_use_up_the_items_are_possible_up_to_rounding(counts):
    check_counts(*counts)


def test_impossible_counts_are_refused():
    with pytest.raises(UnicompError, match="5 lost and 6 gained of 10"):
        stats.tango_interval(5, 6, 10, confidence=0.9)


def test_a_loss_of_everything_is_contradicted_by_one_item_that_was_not_lost():
    assert score(9.0, 0.0, 10, 1.0) == -np.inf
    assert score(0.0, 9.0, 10, -1.0) == np.inf
    # It agrees with nothing but that all was lost, or gained; and no discordant item agrees with no loss.
    assert score(10.0, 0.0, 10, 1.0) == score(0.0, 10.0, 10, -1.0) == score(0.0, 0.0, 10, 0.0) == 0


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 3000))
def test_nothing_less_than_everything_lost_or_gained_is_consistent_with_it(losses, gains, rest):
    n = losses + gains + rest
    found = score(np.array([losses, losses], dtype=float), np.array([gains, gains], dtype=float), n, np.array([1.0, -1.0]))
    assert found.tolist() == [-np.inf, np.inf]


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 500), st.floats(-0.98, 0.98))
def test_the_constrained_rates_are_rates_and_the_likeliest_ones(losses, gains, rest, loss):
    n = losses + gains + rest + 1
    gain = float(constrained_gain_rate(float(losses), float(gains), n, loss))
    low, high = max(0.0, -loss), (1 - loss) / 2
    assert low <= gain <= high

    def likelihood(rate):
        cells = [rate + loss, rate, 1 - loss - 2 * rate]
        with np.errstate(divide="ignore", invalid="ignore"):
            return sum(
                count * np.log(max(cell, 0.0)) for count, cell in zip((losses, gains, n - losses - gains), cells, strict=True) if count
            )

    others = np.linspace(low + 1e-6, high - 1e-6, 41)
    assert all(likelihood(gain) >= likelihood(other) - 1e-6 for other in others)


@pytest.mark.parametrize("n", [7, 10, 30, 49, 98, 103, 400, 1300])
def test_the_interval_of_a_rate_of_everything_ends_at_exactly_1(n):
    assert stats.wilson_interval(n, n, confidence=0.9)[1] == stats.wilson_interval(n, n, confidence=0.95)[1] == 1.0
