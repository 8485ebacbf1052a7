"""pass@k beside its published definition and the estimator's published code."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.benchmarks.code.pass_at_k import pass_at_k


def published(n: int, c: int, k: int) -> float:
    """Figure 3 of arXiv 2107.03374, verbatim."""
    if n - c < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(n - c + 1, n + 1)))


def counts() -> st.SearchStrategy[tuple[int, int, int]]:
    return st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n)))


@given(counts())
def test_it_agrees_with_the_published_code(given_counts: tuple[int, int, int]) -> None:
    assert pass_at_k(*given_counts) == pytest.approx(published(*given_counts), abs=1e-12)


@given(counts().filter(lambda found: comb(found[0], found[2]) <= 3000))
def test_it_is_the_share_of_draws_of_k_replies_that_hold_a_right_one(given_counts: tuple[int, int, int]) -> None:
    n, c, k = given_counts
    draws = [any(place < c for place in draw) for draw in combinations(range(n), k)]
    assert pass_at_k(n, c, k) == pytest.approx(sum(draws) / len(draws))


# The example of the `code_eval` metric of Hugging Face's evaluate: two candidates, one right: {'pass@1': 0.5, 'pass@2': 1.0}.
@pytest.mark.parametrize(
    ("n", "c", "k", "expected"), [(2, 1, 1, 0.5), (2, 1, 2, 1.0), (200, 0, 100, 0.0), (10, 10, 10, 1.0), (5, 2, 2, 0.7)]
)
def test_worked_examples(n: int, c: int, k: int, expected: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [(1, 2, 1), (1, 0, 2), (1, 0, 0), (3, -1, 1)])
def test_counts_that_mean_nothing_are_refused(counts: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected 0 <= right"):
        pass_at_k(*counts)
