"""The bootstrap against Efron's example and Student's interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats

LSAT = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]


GPA = [3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]


def test_the_law_schools_correlation_has_efrons_interval():
    # Efron 1987, JASA 82, 171-185: the BCa interval of the correlation 0.776 at 90 % is [0.43, 0.92].
    constant = [(0.0, 0.0)] * 15
    found = stats.bootstrap_difference(constant, list(zip(LSAT, GPA, strict=True)), stats.pearson, alpha=0.05, margin=0.1)
    assert found.difference == pytest.approx(0.776, abs=5e-4)
    assert (found.lower, found.upper) == pytest.approx((0.43, 0.92), abs=0.03)


def test_the_bootstrap_of_a_mean_is_nearly_students():
    random = np.random.default_rng(1)
    before, after = random.normal(size=(2, 200, 1))
    found = stats.bootstrap_difference(before, after, lambda rows: float(rows.mean()), alpha=0.05, margin=0.1)
    theirs = scipy_stats.ttest_rel(after[:, 0], before[:, 0]).confidence_interval(0.9)
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert "200 items resampled" in found.method


def test_clusters_are_the_unit_where_they_are_given():
    random = np.random.default_rng(2)
    shift = np.repeat(random.normal(size=30), 10)
    before, after = np.zeros((300, 1)), (shift + random.normal(size=300) * 0.1)[:, None]
    wide, narrow = (
        stats.bootstrap_difference(before, after, lambda rows: float(rows.mean()), clusters, alpha=0.05, margin=0.1, resamples=999)
        for clusters in (np.repeat(np.arange(30), 10).tolist(), None)
    )
    assert wide.upper - wide.lower > 2 * (narrow.upper - narrow.lower)
    assert "30 clusters resampled" in wide.method


def test_interval_and_p_value_agree_and_a_worse_model_fails():
    random = np.random.default_rng(3)
    actual = random.integers(0, 2, 400)
    good, bad = (np.where(random.random(400) < noise, 1 - actual, actual) for noise in (0.05, 0.3))
    before, after = (np.stack([side, actual], axis=1) for side in (good, bad))
    worse = stats.bootstrap_difference(before, after, stats.f1, alpha=0.05, margin=0.05, resamples=999)
    assert worse.upper < -0.05
    assert worse.p_value <= 0.05
    better = stats.bootstrap_difference(after, before, stats.f1, alpha=0.05, margin=0.05, resamples=999)
    assert better.p_value > 0.05


def test_what_cannot_be_resampled_is_refused():
    rows = [(1.0, 1.0), (0.0, 0.0)]
    for first, second, clusters, words in (
        (rows, rows[:1], None, "as many of each"),
        (rows, rows, None, "same rows"),
        (rows, rows[::-1], ["a", "a"], "one unit"),
        ([], [], None, "at least 1"),
    ):
        with pytest.raises(UnicompError, match=words):
            stats.bootstrap_difference(first, second, stats.f1, clusters, alpha=0.05, margin=0.05)


def average(rows):
    return float(rows.mean())


def resampled(before, after, **options):
    return stats.bootstrap_difference(before, after, average, **{"alpha": 0.05, "margin": 0.05, "resamples": 999, **options})


def test_a_seed_makes_the_interval_repeatable():
    before, after = np.random.default_rng(4).normal(size=(2, 30, 1))
    first = resampled(before, after)
    assert first == resampled(before, after) == resampled(before, after, seed=0)
    assert first.lower != resampled(before, after, seed=1).lower
    assert stats.bootstrap_difference(before, after, average, alpha=0.05, margin=0.05) == resampled(before, after, resamples=4999)


def test_the_p_value_counts_one_more_than_the_resamples_at_or_above_the_margin():
    before = np.zeros((40, 1))
    after = np.random.default_rng(5).normal(-1.0, 0.1, size=(40, 1))
    # Of 999 resamples none reaches the margin, then all do.
    assert resampled(before, after, margin=0.5).p_value == 1 / 1000
    assert resampled(before, after, margin=1.5).p_value == 1.0
    # Half of the items lost: a resample without any loss lies on the margin of 0 itself.
    even = resampled(np.array([[0.0], [0.0]]), np.array([[0.0], [-1.0]]), margin=0.0)
    assert even.p_value == pytest.approx(0.25, abs=0.05)


def test_the_record_of_a_bootstrap_is_that_of_any_difference():
    before, after = np.random.default_rng(6).normal(size=(2, 50, 1))
    found = resampled(before, after, margin=0.07, alpha=0.1)
    assert found.difference == pytest.approx(float(after.mean() - before.mean()))
    assert found.stderr == pytest.approx((found.upper - found.lower) / 2 / scipy_stats.norm.ppf(0.9))
    assert (found.margin, found.method) == (0.07, "BCa bootstrap, 50 items resampled")
    names = [place // 5 for place in range(50)]
    assert resampled(before, after, clusters=names).method == "BCa bootstrap, 10 clusters resampled"
    theirs = scipy_stats.bootstrap(
        ((after - before)[:, 0],), np.mean, n_resamples=999, confidence_level=0.8, method="BCa", rng=np.random.default_rng(0)
    ).confidence_interval
    assert (found.lower, found.upper) == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_a_statistic_that_never_changes_has_no_known_uncertainty():
    with pytest.raises(UnicompError, match=r"^unicomp: every resample gave the same difference, .*; evaluate more items\.$"):
        stats.bootstrap_difference([[1.0], [2.0], [3.0]], [[2.0], [1.0], [3.0]], lambda rows: 0.0, alpha=0.05, margin=0.05, resamples=99)


def test_what_is_refused_says_what_was_found_and_expected():
    for before, after, words in (
        ([[1.0]] * 3, [[1.0]] * 2, r"^unicomp: 3 reference and 2 candidate rows; expected as many of each, at least 1\.$"),
        ([[1.0]], [[0.0]], r"^unicomp: the bootstrap found one unit to resample; .* if there are clusters\.$"),
        ([[1.0]] * 2, [[1.0]] * 2, r"^unicomp: both sides have the same rows, .* rows that differ\.$"),
    ):
        with pytest.raises(UnicompError, match=words):
            resampled(before, after)
