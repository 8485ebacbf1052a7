"""The exact tail of the score test against brute force and its limits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.compare import stats


def test_exact_tail_sums_the_trinomial_at_the_likeliest_nuisance_rate():
    losses, gains, n, loss = 4, 1, 14, 0.1
    rates = np.linspace(1e-6, 0.449, 400001)
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
