"""A long row is read piece by piece, and what is kept and said of it is what one pass over it gives."""

import copy

import pytest
import torch
from transformers import DynamicCache

from pytest_unicomp.engine import chunked_prefill
from pytest_unicomp.engine.memory_estimate import bytes_per_token
from pytest_unicomp.engine.model_probe import support
from pytest_unicomp.engine.prefill import Pass, Reader
from pytest_unicomp.engine.prefix_cache import Prefix
from tests.engine.toy_models import model

ROW = [(7 * number) % 250 + 1 for number in range(150)]


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(chunked_prefill, "piece_tokens", lambda _: 40)


def lengths_read(one):
    seen = []
    handle = one.get_decoder().layers[0].register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape[1]))
    return seen, handle


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma", "opt", "gpt_neox", "qwen3_moe"])
def test_a_row_in_pieces_gives_the_keys_and_the_logits_of_one_pass(architecture, short):
    one = model(architecture)
    how = support(one)
    whole = DynamicCache()
    with torch.inference_mode(), how.reading(one):
        expected = one(input_ids=torch.tensor([ROW]), past_key_values=whole, use_cache=True).logits[0, -1]
        seen, handle = lengths_read(one)
        prefix = Prefix.read(one, how.head, ROW, how.way)
        read = Reader(one, how.head, how.way, [ROW], 4).read(Pass(0, (0,)))
        handle.remove()
    assert seen == [40, 40, 40, 30] * 2
    torch.testing.assert_close(read.logits[0], expected, atol=1e-4, rtol=1e-4)
    taken = read.part.taken()
    for number, layer in enumerate(whole.layers):
        for kept, other in ((layer.keys, "keys"), (layer.values, "values")):
            torch.testing.assert_close(getattr(prefix.cache.layers[number], other), kept, atol=1e-4, rtol=1e-4)
        for kept, states in zip((layer.keys, layer.values), taken[number], strict=True):
            torch.testing.assert_close(states, kept, atol=1e-4, rtol=1e-4)


def test_a_piece_is_as_long_as_memory_allows_and_never_thin():
    one = model("llama")
    taken = chunked_prefill.piece_tokens(one) * bytes_per_token(one).activations
    assert chunked_prefill.PIECE_BYTES["cpu"] / 2 < taken <= chunked_prefill.PIECE_BYTES["cpu"]
    wide = copy.deepcopy(one)
    wide.config.intermediate_size = 2**20
    assert chunked_prefill.piece_tokens(wide) == chunked_prefill.SHORTEST
