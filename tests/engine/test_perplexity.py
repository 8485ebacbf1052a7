"""Nats per token of texts and blocks, and the likeliest next tokens, against a plain forward pass."""

import math

import pytest
import torch

from pytest_unicomp.engine.perplexity import POSITIONS, TOP, block_nats, nats_per_token, top_tokens


def test_the_likeliest_next_tokens_are_those_of_evenly_spaced_positions(tiny):
    short, long, single = top_tokens(["the cat sat", "the cat sat on the mat " * 12, ""], tiny)
    assert 0 < len(short) < POSITIONS
    assert len(long) == POSITIONS
    assert single is None
    for position in long:
        values = [value for _, value in position]
        assert len(values) == TOP
        assert values == sorted(values, reverse=True)
        assert sum(math.exp(value) for value in values) <= 1.001
    nats, tops = block_nats(list(range(5, 60)), tiny)
    assert nats > 0
    assert len(tops) == POSITIONS


def test_a_block_has_the_mean_negative_log_likelihood_of_its_tokens_after_the_first(tiny):
    block = list(range(5, 60))
    with torch.inference_mode():
        log_probabilities = tiny.model(torch.tensor([block])).logits[0, :-1].log_softmax(-1)
    expected = [-float(row[token]) for row, token in zip(log_probabilities, block[1:], strict=True)]
    nats, tops = block_nats(block, tiny)
    assert nats == pytest.approx(sum(expected) / len(expected), abs=1e-4)
    assert tops[0][0][1] == pytest.approx(float(log_probabilities[0].max()), abs=1e-3)


def test_texts_have_nats_per_token_and_an_empty_one_has_none(tiny):
    text, empty = nats_per_token(["the cat sat", ""], tiny)
    tokens = tiny.lm.tok_encode("the cat sat")
    with torch.inference_mode():
        log_probabilities = tiny.model(torch.tensor([[tiny.lm.prefix_token_id, *tokens]])).logits[0, :-1].log_softmax(-1)
    expected = [-float(row[token]) for row, token in zip(log_probabilities, tokens, strict=True)]
    assert text == pytest.approx(sum(expected) / len(expected), abs=1e-4)
    assert empty is None
