"""A loop is a block repeated to the end, long enough to be no coincidence, found in linear time."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_unicomp.engine.loops import TIMES, TOKENS, looping


def by_definition(tokens):
    """The definition, read word by word."""
    n = len(tokens)
    for period in range(1, n + 1):
        length = period
        while length < n and tokens[n - 1 - length] == tokens[n - 1 - length + period]:
            length += 1
        if length >= max(TIMES * period, TOKENS):
            return True
    return False


@given(st.lists(st.integers(0, 2), max_size=120))
def test_it_is_the_definition(tokens):
    assert looping(tokens) is by_definition(tokens)


@given(
    st.lists(st.integers(0, 9), max_size=40), st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(4, 9), st.integers(0, 29)
)
def test_a_block_repeated_often_enough_is_a_loop_whatever_comes_before_and_wherever_it_is_cut(head, block, times, cut):
    tail = block * max(times, -(-TOKENS // len(block)))
    assert looping(head + tail + block[: cut % len(block)])


@given(st.lists(st.integers(0, 9), max_size=60))
def test_what_differs_at_the_end_is_no_loop(tokens):
    assert not looping([*([7] * 200), *tokens, 10])


@pytest.mark.parametrize("tokens", [[], [1], [1] * (TOKENS - 1), list(range(500)), [1, 2, 3] * 3, [*range(40)] * 3])
def test_short_or_rare_repetitions_are_no_loop(tokens):
    assert not looping(tokens)


@pytest.mark.parametrize("tokens", [[1] * TOKENS, [1, 2] * 16, [*range(8)] * 4])
def test_the_shortest_loops_are_found(tokens):
    assert looping(tokens)


@pytest.mark.parametrize("block", [[1], [1, 2], [*range(1000)], [1] * 999 + [2]])
def test_the_time_is_linear_in_the_length(block):
    tokens = [5, *(block * (200_000 // len(block)))]
    started = time.process_time()
    assert looping(tokens)
    assert time.process_time() - started < 3
