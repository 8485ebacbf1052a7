"""Cascade attention is the softmax over prefix and own keys together; a model that does not support it runs with a slower kind."""

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
from pytest_unicomp.engine.attention import cascade, supported_kinds
from pytest_unicomp.engine.kv_cache import side_by_side
from pytest_unicomp.engine.lm import UnicompLM
from tests.engine.test_loglikelihood import PAIRS, assert_same, instances, plain
from tests.engine.toy_models import model, tokenizer


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.integers(1, 40), st.booleans(), st.integers(0, 99))
def test_cascade_attention_is_the_softmax_over_all_keys(rows, heads, groups, tokens, shared, masked, seed):
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
    found = attention._cascade(query, key, value, keys, values, own if masked else None, 0.3)
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(4, 12), st.booleans(), st.data())
def test_attention_at_selected_positions_is_that_at_all_positions(rows, tokens, masked, data):
    made = torch.Generator().manual_seed(rows * tokens)
    query = torch.randn(rows, tokens, 4, 8, generator=made).transpose(1, 2)
    key, value = torch.randn(2, rows, 2, tokens, 8, generator=made)
    keys, values = torch.randn(2, 1, 2, 5, 8, generator=made)
    hidden = torch.rand(rows, 1, tokens, tokens, generator=made) < 0.4
    hidden = (hidden & ~torch.eye(tokens, dtype=torch.bool)) | ~torch.ones(tokens, tokens, dtype=torch.bool).tril()
    own = torch.zeros(hidden.shape).masked_fill(hidden, torch.finfo(torch.float32).min) if masked else None
    columns = [data.draw(st.lists(st.integers(0, tokens - 1), min_size=1, max_size=tokens // 2, unique=True)) for _ in range(rows)]
    selected = tuple(zip(*((row, column) for row, some in enumerate(columns) for column in some), strict=True))
    chosen = attention._selected_columns(selected, query)
    whole = attention._cascade(query, key, value, keys, values, own, 0.3)
    some = attention._cascade_at(chosen, query, key, value, keys, values, own, 0.3)
    torch.testing.assert_close(some[selected], whole[selected], atol=2e-5, rtol=1e-4)
    assert some.shape == whole.shape
    assert some.abs().sum((2, 3)).count_nonzero() == len(selected[0])


def test_if_most_positions_are_selected_all_are_computed():
    query = torch.zeros(2, 4, 6, 8)
    assert attention._selected_columns(((0, 1), (5, 2)), query).tolist() == [[5], [2]]
    assert attention._selected_columns(((0, 0, 1), (5, 1, 2)), query).tolist() == [[5, 1], [2, 2]]
    assert attention._selected_columns(((0, 0, 0, 0, 1), (1, 2, 3, 4, 0)), query) is None
    # A row without a selected column has none that could be repeated.
    assert attention._selected_columns(((0,), (3,)), query) is None


@pytest.mark.parametrize(
    ("architecture", "expected"), [("llama", ("cascade", "grouped_query", "transformers")), ("opt", ("cascade", "transformers"))]
)
def test_the_fastest_kind_that_a_model_supports_is_used(architecture, expected):
    one = model(architecture)
    assert supported_kinds(one) == expected
    assert UnicompLM(one, tokenizer()).capabilities.attention == "cascade"
    assert one.config._attn_implementation == "sdpa"


def test_attention_other_than_sdpa_is_not_replaced():
    assert supported_kinds(model("llama", attn_implementation="eager")) == ("transformers",)


@pytest.mark.parametrize(("broken", "left"), [("_cascade", "grouped_query"), ("_cascade _grouped_query_forward", "transformers")])
def test_a_kind_that_gives_other_results_is_not_used(monkeypatch, broken, left):
    for name in broken.split():
        wrong = getattr(attention, name)

        def halved(*given, wrong=wrong, **settings):
            made = wrong(*given, **settings)
            return (made[0] / 2, None) if isinstance(made, tuple) else made / 2

        monkeypatch.setattr(attention, name, halved)
    lm = UnicompLM(model("llama"), tokenizer())
    assert (lm.capabilities.attention, lm.capabilities.reason) == (left, None)
    assert_same(lm.loglikelihood(instances(PAIRS), disable_tqdm=True), plain(lm, PAIRS))
    prompts = [f"Question: where is the other one? Answer: on the shelf. Question: {number}?" for number in range(12)]
    asked = [Instance("generate_until", {}, (prompt, {"until": [], "max_gen_toks": 8, "do_sample": False}), 0) for prompt in prompts]
    assert lm.generate_until(asked) == HFLM.generate_until(lm, asked, disable_tqdm=True)


def test_a_layer_without_keys_cannot_use_cascade_attention():
    cache = DynamicCache()
    cache.update(torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4), 1)
    with pytest.raises(ValueError, match="keeps no keys of its own"):
        side_by_side(cache)


def test_an_exception_within_the_block_restores_the_attention():
    one = model("llama")
    with pytest.raises(IndexError), cascade(one, DynamicCache()):
        one(input_ids=torch.tensor([[1, 2]]))
    assert one.config._attn_implementation == "sdpa"


def test_the_prefix_is_freed_afterwards():
    one, cache = model("llama"), DynamicCache()
    one(input_ids=torch.tensor([[1, 2, 3]]), past_key_values=cache, use_cache=True)
    keys = weakref.ref(cache.layers[0].keys)
    with cascade(one, cache):
        one(input_ids=torch.tensor([[4, 5]]), past_key_values=side_by_side(cache), use_cache=True)
    del cache
    gc.collect()
    assert keys() is None
