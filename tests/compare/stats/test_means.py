"""Means and their errors, beside Python's own statistics."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from pytest_unicomp.api.errors import UnicompError
from pytest_unicomp.compare import stats
from pytest_unicomp.compare.stats.means import t_probability, t_quantile


@given(st.lists(st.floats(0, 1), min_size=2, max_size=50))
def test_mean_and_error_are_those_of_the_sample(scores):
    value, error = stats.mean_and_error(scores)
    assert value == pytest.approx(statistics.fmean(scores))
    assert error == pytest.approx(statistics.stdev(scores) / len(scores) ** 0.5, abs=1e-12)


def test_what_too_few_scores_do_not_give_is_none():
    assert stats.mean_and_error([]) == (None, None)
    assert stats.mean_and_error([0.25]) == (0.25, None)


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
    with pytest.raises(UnicompError, match=r"^unicomp: all items share one cluster, .*; evaluate more clusters\.$"):
        stats.clustered_mean([1.0, 2.0], ["a", "a"])


def test_one_value_has_no_error_and_two_have():
    with pytest.raises(UnicompError, match=r"^unicomp: a standard error needs at least 2 values, found 1; evaluate more items\.$"):
        stats.mean([1.0])
    found = stats.mean([1.0, 3.0])
    assert (found.value, found.stderr, found.degrees) == (2.0, pytest.approx(1.0), 1.0)
    assert stats.mean_and_error([1.0, 3.0]) == (2.0, pytest.approx(1.0))


def test_clusters_of_different_kinds_are_not_mixed_up():
    # The number 1 and the text "1" are two names.
    assert stats.clustered_mean([1.0, 2.0, 4.0], [1, "1", 1]).degrees == stats.clustered_mean([1.0, 2.0, 4.0], ["a", "b", "a"]).degrees


def test_students_quantile_and_probability_are_inverse_and_those_of_scipy():
    assert t_quantile(0.95, 4.5) == pytest.approx(scipy_stats.t.ppf(0.95, 4.5))
    assert t_probability(t_quantile(0.2, 7.0), 7.0) == pytest.approx(0.2)


def test_values_of_their_own_clusters_are_independent_and_others_are_not():
    values = [0.1, 0.4, 0.2, 0.9]
    assert stats.mean(values, "abcd") == stats.mean(values, None) == stats.mean(values)
    assert stats.mean(values, "aabb") == stats.clustered_mean(values, "aabb") != stats.mean(values)
    with pytest.raises(UnicompError, match="one cluster"):
        stats.mean(values, "aaaa")
