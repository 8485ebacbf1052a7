from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.benchmarks.items import select

NAMES = [f"task/{index}" for index in range(200)]


@given(small=st.integers(0, 200), large=st.integers(0, 200), seed=st.integers(0, 5))
def test_a_smaller_limit_gives_the_first_items_of_a_larger_one(small: int, large: int, seed: int) -> None:
    low, high = sorted((small, large))
    assert select(NAMES, limit=low, seed=seed) == select(reversed(NAMES), limit=high, seed=seed)[:low]


def test_another_seed_gives_other_items_and_no_limit_gives_all() -> None:
    assert select(NAMES, limit=20, seed=0) != select(NAMES, limit=20, seed=1)
    assert sorted(select(NAMES, limit=None, seed=3)) == sorted(NAMES)
    assert select(NAMES, limit=200, seed=0) != NAMES
