"""Formulas against published tables, other packages and brute force."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats

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


@pytest.mark.parametrize(("cells", "printed"), NEWCOMBE_TABLE_III.items())
def test_newcombe_interval_reproduces_his_table(cells, printed):
    both, first, second, neither = cells
    # He takes first - second; here it is candidate - reference, so the first is the candidate.
    found = stats.newcombe_interval(both, second, first, neither, confidence=0.95)
    assert found == pytest.approx(printed, abs=1e-4)


# (losses, gains, n, confidence): R's PropCIs::scoreci.mp, and Fagerland, Lydersen & Laake 2014 for 7 and 1 of 21 (Bentur et al. 2009).
TANGO_REFERENCES = {
    (25, 28, 618, 0.90): (-0.0148, 0.0247),
    (60, 20, 1000, 0.95): (-0.0584, -0.0231),
    (7, 1, 21, 0.95): (-0.5172, -0.0260),
}


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


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (3, 10), (10, 10), (77, 1000)])
def test_wilson_interval_agrees_with_scipy(successes, n):
    theirs = scipy_stats.binomtest(successes, n).proportion_ci(confidence_level=0.9, method="wilson")
    assert stats.wilson_interval(successes, n, confidence=0.9) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


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


def test_mean_agrees_with_scipys_paired_t_interval():
    random = np.random.default_rng(1)
    before, after = random.random(30), random.random(30)
    theirs = scipy_stats.ttest_rel(after, before).confidence_interval(0.9)
    found = stats.t_interval(stats.mean((after - before).tolist()), confidence=0.9)
    assert found == pytest.approx((theirs.low, theirs.high))


def test_clustered_mean_is_cr2_with_satterthwaite_degrees_by_matrices():
    random = np.random.default_rng(2)
    sizes = [1, 2, 3, 7, 12]
    clusters = np.repeat(np.arange(5), sizes)
    values = random.normal(size=25) + clusters * 0.1
    n = len(values)
    design = np.ones((n, 1))
    hat = design @ design.T / n
    residuals = values - values.mean()
    variance, columns = 0.0, []
    for cluster in range(5):
        chosen = clusters == cluster
        block = np.eye(chosen.sum()) - hat[np.ix_(chosen, chosen)]
        eigenvalues, vectors = np.linalg.eigh(block)
        adjust = vectors @ np.diag(eigenvalues**-0.5) @ vectors.T
        weight = adjust @ design[chosen][:, 0] / n
        variance += (weight @ residuals[chosen]) ** 2
        columns.append((np.eye(n) - hat)[:, chosen] @ weight)
    gram = np.array(columns) @ np.array(columns).T
    found = stats.clustered_mean(values.tolist(), clusters.tolist())
    assert found.stderr == pytest.approx(variance**0.5)
    assert found.degrees == pytest.approx(np.trace(gram) ** 2 / np.trace(gram @ gram))


def test_clusters_of_one_item_are_the_plain_mean():
    values = [0.1, 0.5, 0.2, 0.9]
    plain, clustered = stats.mean(values), stats.clustered_mean(values, list("abcd"))
    assert (clustered.stderr, clustered.degrees) == pytest.approx((plain.stderr, plain.degrees))


def test_one_cluster_is_refused():
    with pytest.raises(UnicompError, match="one cluster"):
        stats.clustered_mean([1.0, 2.0], ["a", "a"])


def test_repeating_every_item_in_its_cluster_does_not_buy_precision():
    random = np.random.default_rng(3)
    before = (random.random(60) < 0.8).astype(float)
    after = np.where(random.random(60) < 0.3, 1 - before, before)
    once = stats.paired_difference(before.tolist(), after.tolist(), alpha=0.05, margin=0.05)
    often = stats.paired_difference(
        np.repeat(before, 10).tolist(), np.repeat(after, 10).tolist(), np.repeat(np.arange(60), 10).tolist(), alpha=0.05, margin=0.05
    )
    assert often.upper - often.lower == pytest.approx(once.upper - once.lower, rel=0.1)


def test_clusters_without_any_flip_do_not_count_as_independent_items():
    scores, clusters = [1.0] * 400, [place % 20 for place in range(400)]
    alone = stats.paired_difference(scores, scores, alpha=0.05, margin=0.05)
    together = stats.paired_difference(scores, scores, clusters, alpha=0.05, margin=0.05)
    assert together.upper > 2 * alone.upper


def test_mover_pools_symmetric_intervals_like_variances():
    pooled = stats.mover_mean([stats.Bounded(0.1, 0.07, 0.13), stats.Bounded(-0.1, -0.14, -0.06)])
    assert (pooled.value, pooled.lower, pooled.upper) == pytest.approx((0.0, -0.025, 0.025))


def test_mover_leaves_one_interval_as_it_is_and_refuses_none():
    assert stats.mover_mean([stats.Bounded(0.1, 0.0, 0.4)]) == stats.Bounded(0.1, 0.0, 0.4)
    with pytest.raises(UnicompError, match="nothing to pool"):
        stats.mover_mean([])


def test_holm_adjusts_step_by_step_in_the_order_given():
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert stats.holm([0.9, 0.8]) == [1.0, 1.0]


def test_minimum_detectable_effect_and_required_items_are_inverse():
    # 2.4865 = 1.6449 + 0.8416: one-sided 5 %, power 80 %.
    assert stats.minimum_detectable_effect(0.01, alpha=0.05) == pytest.approx(0.024865, abs=1e-6)
    assert stats.required_items(0.01, 1000, 0.024865, alpha=0.05) in (1000, 1001)
    assert stats.required_items(0.01, 1000, 0.0124325, alpha=0.05) == pytest.approx(4000, abs=2)
    assert stats.required_items(0.01, 1000, 0.0, alpha=0.05) is None


def test_ratio_interval_turns_over_when_the_arms_are_swapped():
    slow, fast = [1.1, 1.3, 1.2, 1.25], [1.0, 1.1, 1.05, 1.0]
    one, other = stats.ratio_interval(fast, slow, confidence=0.9), stats.ratio_interval(slow, fast, confidence=0.9)
    assert (one.value, one.lower, one.upper) == pytest.approx((1 / other.value, 1 / other.upper, 1 / other.lower))
    assert one.value == pytest.approx(scipy_stats.gmean(np.array(slow) / np.array(fast)))


@pytest.mark.parametrize(
    ("reference", "candidate", "named"), [([1.0, 0.0], [1.0, 1.0], "0.0"), ([1.0], [1.0, 2.0], "in pairs"), ([1.0], [1.0], "at least 2")]
)
def test_ratio_interval_names_what_it_cannot_use(reference, candidate, named):
    with pytest.raises(UnicompError, match=named):
        stats.ratio_interval(reference, candidate, confidence=0.9)


def test_impossible_counts_are_refused():
    with pytest.raises(UnicompError, match="5 lost and 6 gained of 10"):
        stats.tango_interval(5, 6, 10, confidence=0.9)


def test_importing_the_statistics_loads_neither_numpy_nor_scipy():
    code = "import sys, pytest_unicomp.compare, pytest_unicomp.compare.stats; print([name for name in ('numpy', 'scipy') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_clustered_loss_is_less_certain_than_an_independent_one():
    before = [1.0] * 1000
    clusters = [place % 40 for place in range(1000)]
    lost = [cluster % 4 == 0 and place < 840 for place, cluster in enumerate(clusters)]
    after = [0.0 if gone else 1.0 for gone in lost]
    alone = stats.paired_difference(before, after, alpha=0.05, margin=0.02)
    together = stats.paired_difference(before, after, clusters, alpha=0.05, margin=0.02)
    assert together.upper < -0.02
    assert alone.p_value < together.p_value / 100
    assert together.p_value <= 0.05
