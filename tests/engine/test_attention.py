"""Attention to a shared beginning, computed apart from a row's own keys, is the softmax over both; a model that cannot take it is read in a slower way."""

import gc
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from lm_eval.api.instance import Instance
from lm_eval.models.huggingface import HFLM
from torch.nn.functional import scaled_dot_product_attention
from transformers import DynamicCache

from pytest_unicomp.engine import attention
from pytest_unicomp.engine.attention import folded, ways
from pytest_unicomp.engine.kv_cache import beside
from pytest_unicomp.engine.lm import make
from tests.engine.test_loglikelihood import PAIRS, ask, assert_same, plain
from tests.engine.toy_models import model, tokenizer


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 40), st.booleans(), st.integers(0, 99))
def test_both_parts_together_are_the_softmax_over_all_keys(rows, heads, groups, tokens, shared, masked, seed):
    made = torch.Generator().manual_seed(seed)
    # Scores of some tens, so that one part may outweigh the other wholly.
    query = 6 * torch.randn(rows, tokens, heads * groups, 8, generator=made).transpose(1, 2)
    key, value = torch.randn(2, rows, heads, tokens, 8, generator=made)
    keys, values = torch.randn(2, 1, heads, shared, 8, generator=made)
    hidden = torch.rand(rows, 1, tokens, tokens, generator=made) < 0.4 if masked else torch.zeros(rows, 1, tokens, tokens, dtype=torch.bool)
    hidden = (hidden & ~torch.eye(tokens, dtype=torch.bool)) | ~torch.ones(tokens, tokens, dtype=torch.bool).tril()
    own = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min)
    whole = torch.cat([torch.zeros(rows, 1, tokens, shared), own], -1)
    both = [torch.cat([one.expand(rows, -1, -1, -1), other], 2) for one, other in ((keys, key), (values, value))]
    expected = scaled_dot_product_attention(query, *both, attn_mask=whole, scale=0.3, enable_gqa=True).transpose(1, 2)
    found = attention._folded(query, key, value, keys, values, own if masked else None, 0.3)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(4, 12), st.booleans(), st.data())
def test_a_last_layer_attends_from_the_asked_positions_as_it_does_from_all(rows, tokens, masked, data):
    made = torch.Generator().manual_seed(rows * tokens)
    query = torch.randn(rows, tokens, 4, 8, generator=made).transpose(1, 2)
    key, value = torch.randn(2, rows, 2, tokens, 8, generator=made)
    keys, values = torch.randn(2, 1, 2, 5, 8, generator=made)
    hidden = torch.rand(rows, 1, tokens, tokens, generator=made) < 0.4
    hidden = (hidden & ~torch.eye(tokens, dtype=torch.bool)) | ~torch.ones(tokens, tokens, dtype=torch.bool).tril()
    own = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min) if masked else None
    columns = [data.draw(st.lists(st.integers(0, tokens - 1), min_size=1, max_size=tokens // 2, unique=True)) for _ in range(rows)]
    asked = tuple(zip(*((row, column) for row, some in enumerate(columns) for column in some), strict=True))
    places = attention._places(asked, query)
    whole = attention._folded(query, key, value, keys, values, own, 0.3)
    some = attention._folded_at(places, query, key, value, keys, values, own, 0.3)
    torch.testing.assert_close(some[asked], whole[asked], atol=2e-5, rtol=1e-4)
    assert some.shape == whole.shape
    assert some.abs().sum((2, 3)).count_nonzero() == len(asked[0])


def test_where_most_positions_are_asked_all_are_computed():
    query = torch.zeros(2, 4, 6, 8)
    assert attention._places(((0, 1), (5, 2)), query).tolist() == [[5], [2]]
    assert attention._places(((0, 0, 1), (5, 1, 2)), query).tolist() == [[5, 1], [2, 2]]
    assert attention._places(((0, 0, 0, 0, 1), (1, 2, 3, 4, 0)), query) is None
    # A row of which nothing is asked has no place that could stand for it.
    assert attention._places(((0,), (3,)), query) is None


@pytest.mark.parametrize(("architecture", "expected"), [("llama", ("folded", "grouped", "plain")), ("opt", ("folded", "plain"))])
def test_the_fastest_way_that_a_model_allows_is_taken(architecture, expected):
    one = model(architecture)
    assert ways(one) == expected
    assert make(one, tokenizer()).support.way == "folded"
    assert one.config._attn_implementation == "sdpa"


def test_attention_that_is_not_transformers_sdpa_is_left_as_it_is():
    assert ways(model("llama", attn_implementation="eager")) == ("plain",)


@pytest.mark.parametrize(("broken", "left"), [("_folded", "grouped"), ("_folded _grouped", "plain")])
def test_a_way_that_gives_other_answers_is_not_taken(monkeypatch, broken, left):
    for name in broken.split():
        wrong = getattr(attention, name)

        def halved(*given, wrong=wrong, **settings):
            made = wrong(*given, **settings)
            return (made[0] / 2, None) if isinstance(made, tuple) else made / 2

        monkeypatch.setattr(attention, name, halved)
    lm = make(model("llama"), tokenizer())
    assert (lm.support.way, lm.support.reason) == (left, None)
    assert_same(lm.loglikelihood(ask(PAIRS), disable_tqdm=True), plain(lm, PAIRS))
    prompts = [f"Question: where is the other one? Answer: on the shelf. Question: {number}?" for number in range(12)]
    asked = [Instance("generate_until", {}, (prompt, {"until": [], "max_gen_toks": 8, "do_sample": False}), 0) for prompt in prompts]
    assert lm.generate_until(asked) == HFLM.generate_until(lm, asked, disable_tqdm=True)


def test_a_layer_without_keys_of_its_own_cannot_be_folded():
    cache = DynamicCache()
    cache.update(torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4), 1)
    with pytest.raises(ValueError, match="keeps no keys of its own"):
        beside(cache)


def test_a_failure_inside_leaves_the_model_as_it_was():
    one = model("llama")
    with pytest.raises(IndexError), folded(one, DynamicCache()):
        one(input_ids=torch.tensor([[1, 2]]))
    assert one.config._attn_implementation == "sdpa"


def test_nothing_that_was_shared_is_kept_afterwards():
    one, cache = model("llama"), DynamicCache()
    one(input_ids=torch.tensor([[1, 2, 3]]), past_key_values=cache, use_cache=True)
    keys = weakref.ref(cache.layers[0].keys)
    with folded(one, cache):
        one(input_ids=torch.tensor([[4, 5]]), past_key_values=beside(cache), use_cache=True)
    del cache
    gc.collect()
    assert keys() is None
