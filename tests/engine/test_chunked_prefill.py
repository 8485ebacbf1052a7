"""Chunked prefill of a long row gives the KV cache and the logits of a single forward pass."""

import copy

import pytest
import torch
from transformers import DynamicCache

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.model_probe import probe
from pytest_unicomp.engine.prefill import PrefillBatch, Prefiller
from pytest_unicomp.engine.prefix_cache import CachedPrefix
from tests.engine.toy_models import model

ROW = [(7 * number) % 250 + 1 for number in range(150)]


@pytest.fixture
def short_chunks(monkeypatch):
    monkeypatch.setattr(chunked_prefill, "chunk_tokens", lambda _: 40)


def chunk_lengths(one):
    seen = []
    handle = one.get_decoder().layers[0].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    return seen, handle


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma", "opt", "gpt_neox", "qwen3_moe"])
def test_chunks_give_the_kv_cache_and_the_logits_of_one_forward_pass(architecture, short_chunks):
    one = model(architecture)
    capabilities = probe(one)
    whole = DynamicCache()
    with torch.inference_mode(), capabilities.attention_enabled(one):
        expected = one(input_ids=torch.tensor([ROW]), past_key_values=whole, use_cache=True).logits[0, -1]
        seen, handle = chunk_lengths(one)
        prefix = CachedPrefix.prefill(one, capabilities.lm_head, ROW, capabilities.attention)
        read = Prefiller(one, capabilities.lm_head, capabilities.attention, [ROW], 4).prefill(PrefillBatch(0, (0,)))
        handle.remove()
    assert seen == [40, 40, 40, 30] * 2
    torch.testing.assert_close(read.logits[0], expected, atol=1e-4, rtol=1e-4)
    taken = read.cache.take_layers()
    for number, layer in enumerate(whole.layers):
        for kept, other in ((layer.keys, "keys"), (layer.values, "values")):
            torch.testing.assert_close(getattr(prefix.cache.layers[number], other), kept, atol=1e-4, rtol=1e-4)
        for kept, states in zip((layer.keys, layer.values), taken[number], strict=True):
            torch.testing.assert_close(states, kept, atol=1e-4, rtol=1e-4)


def test_a_chunk_is_as_long_as_memory_allows_and_never_too_short():
    one = model("llama")
    taken = chunked_prefill.chunk_tokens(one) * bytes_per_token(one).activations
    assert chunked_prefill.CHUNK_BYTES["cpu"] / 2 < taken <= chunked_prefill.CHUNK_BYTES["cpu"]
    wide = copy.deepcopy(one)
    wide.config.intermediate_size = 2**20
    assert chunked_prefill.chunk_tokens(wide) == chunked_prefill.MIN_CHUNK_TOKENS
