"""KV caches: shared rows are views, preallocated ones hold what a dynamic cache holds, and concatenated rows keep their tokens."""

import pytest
import torch
from transformers import DynamicCache

from pytest_unicomp.engine.kv_cache import CacheSlice, can_concat, concat, expand, preallocated, side_by_side
from tests.engine.toy_models import model


def states(rows, tokens, start=0):
    """Keys and values of two heads of size 4; each number is different."""
    made = torch.arange(start, start + rows * 2 * tokens * 4, dtype=torch.float32).reshape(rows, 2, tokens, 4)
    return made, -made


@pytest.fixture
def one_row():
    cache = DynamicCache()
    for layer in range(2):
        cache.update(*states(1, 5, 1000 * layer), layer)
    return cache


def test_expanded_rows_are_views_and_leave_the_original_unchanged(one_row):
    wide = expand(one_row, 3)
    assert wide.get_seq_length() == 5
    assert wide.layers[1].keys.data_ptr() == one_row.layers[1].keys.data_ptr()
    keys, values = wide.update(*states(3, 2), 0)
    assert keys.shape == values.shape == (3, 2, 7, 4)
    assert torch.equal(keys[2, :, :5], one_row.layers[0].keys[0])
    assert one_row.get_seq_length() == 5


def test_a_side_by_side_cache_has_the_prefixs_length_and_returns_the_new_tokens_alone(one_row):
    cache = side_by_side(one_row)
    new = states(3, 2)
    keys, values = cache.update(*new, 0)
    assert (cache.get_seq_length(), keys is new[0], values is new[1]) == (5, True, True)


@pytest.mark.parametrize("room", [0, 3, 20])
def test_a_preallocated_cache_holds_what_a_dynamic_one_holds(room):
    """Also if there is too little room, and after rows were removed."""
    config = model("llama").config
    ours, theirs = preallocated(config, room), DynamicCache()
    for step, tokens in enumerate((4, 1, 1, 3)):
        rows = 3 if step < 2 else 2
        found = ours.update(*states(rows, tokens, 100 * step), 0)
        expected = theirs.update(*states(rows, tokens, 100 * step), 0)
        assert all(torch.equal(mine, its) for mine, its in zip(found, expected, strict=True))
        if step == 1:
            for cache in (ours, theirs):
                cache.layers[0].batch_select_indices(torch.tensor([0, 2]))
    assert ours.layers[0].get_seq_length() == 9


def test_decoding_writes_into_memory_that_is_allocated_once():
    cache = preallocated(model("llama").config, 10)
    pointers = {cache.update(*states(2, 1), 0)[0].data_ptr() for _ in range(10)}
    assert len(pointers) == 1


def test_concatenated_rows_start_on_the_left_after_their_prefix(one_row):
    config = model("llama").config
    first, second = DynamicCache(), DynamicCache()
    for layer in range(2):
        first.update(*states(2, 6), layer)
        second.update(*states(1, 2, 500), layer)
    expected = [first.layers[0].keys[:, :, [1, 4]].clone(), second.layers[0].keys.clone()]
    slices = [CacheSlice(first, torch.tensor([1, 4])), CacheSlice(second, slice(0, None), one_row)]
    whole = concat(config, slices, 7, 12)
    keys = whole.layers[0].keys
    assert keys.shape == (3, 2, 7, 4)
    assert torch.equal(keys[:2, :, :2], expected[0])
    assert not keys[:2, :, 2:].any()
    assert torch.equal(keys[2, :, :5], one_row.layers[0].keys[0])
    assert torch.equal(keys[2:, :, 5:], expected[1])
    assert not first.layers
    pointer = keys.data_ptr()
    assert whole.update(*states(3, 5), 0)[0].data_ptr() == pointer


@pytest.mark.parametrize(("architecture", "possible"), [("llama", True), ("opt", True), ("gemma2", False)])
def test_layers_with_a_sliding_window_cannot_be_concatenated(architecture, possible):
    assert can_concat(model(architecture).config) is possible
