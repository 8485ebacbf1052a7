"""The exact tail of the score test against brute force and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.exact import _window


@pytest.mark.parametrize(("losses", "gains", "n", "loss"), [(4, 1, 14, 0.1), (2, 1, 4, 0.2), (1, 2, 4, 0.2), (9, 7, 30, 0.05)])
def test_exact_tail_sums_the_trinomial_at_the_likeliest_nuisance_rate(losses, gains, n, loss):
    rates = np.linspace(1e-6, (1 - loss) / 2 - 1e-6, 400001)
    likelihood = losses * np.log(rates + loss) + gains * np.log(rates) + (n - losses - gains) * np.log(1 - loss - 2 * rates)
    gain = rates[likelihood.argmax()]
    observed = stats.tango_statistic(losses, gains, n, -loss)
    outcomes = [(lost, gained) for lost in range(n + 1) for gained in range(n + 1 - lost)]
    extreme = [pair for pair in outcomes if stats.tango_statistic(*pair, n, -loss) <= observed + 1e-9]
    cells = [gain + loss, gain, 1 - loss - 2 * gain]
    expected = sum(scipy_stats.multinomial.pmf([lost, gained, n - lost - gained], n, cells) for lost, gained in extreme)
    assert stats.exact_tail(losses, gains, n, loss) == pytest.approx(expected, rel=1e-4)


def test_no_discordant_item_gives_the_rule_of_three():
    lower, upper = stats.exact_interval(0, 0, 400, confidence=0.9)
    assert upper == pytest.approx(1 - 0.05 ** (1 / 400), rel=1e-3)
    assert lower == -upper
    assert stats.tango_interval(0, 0, 400, confidence=0.9)[1] < upper


def test_exact_and_normal_tails_agree_where_flips_are_many():
    exact, normal = (interval(60, 40, 2000, confidence=0.9) for interval in (stats.exact_interval, stats.tango_interval))
    assert exact == pytest.approx(normal, abs=3e-4)


@pytest.mark.parametrize("loss", [1.0, 1.5])
@pytest.mark.parametrize(("losses", "gains"), [(0, 0), (3, 1), (10, 0), (0, 10)])
def test_that_more_than_everything_is_lost_is_never_rejected(losses, gains, loss):
    assert stats.exact_tail(losses, gains, 10, loss) == 1.0


@pytest.mark.parametrize("n", [3, 10, 60])
def test_a_tail_is_a_probability(n):
    tails = [stats.exact_tail(lost, gained, n, loss) for lost in (0, 1, n // 2) for gained in (0, 1, n // 2) for loss in (-0.5, 0.0, 0.5)]
    assert all(0 <= tail <= 1 for tail in tails)
    assert max(tails) > 0.9


@pytest.mark.parametrize(("n", "rate"), [(400, 0.5), (400, 0.02), (100_000, 0.0005), (5_000, 0.9)])
def test_the_outcomes_that_are_summed_are_those_near_the_mean_and_no_others(n, rate):
    counts, around = _window(n, rate), scipy_stats.binom(n, rate)
    assert around.cdf(counts[0] - 1) + around.sf(counts[-1]) < 1e-7
    deviation = (n * rate * (1 - rate)) ** 0.5
    assert abs(counts[[0, -1]] - n * rate).max() <= 5.6 * deviation + 15
    assert (counts[0], counts[-1]) >= (0, counts[0])
    assert counts[-1] <= n


@pytest.mark.parametrize(("losses", "gains"), [(6, 0), (0, 6)])
def test_an_interval_reaches_a_difference_of_everything_if_all_items_differ_so(losses, gains):
    low, high = stats.exact_interval(losses, gains, 6, confidence=0.9)
    assert (low == -1, high == 1) == (losses == 6, gains == 6)
    assert -1 <= low < high <= 1
