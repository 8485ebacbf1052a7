"""Where a GPU's memory ends at any step of generation or scoring, less is done at once, and the results are the same."""

from __future__ import annotations

import pytest
import torch

from pytest_unicomp.engine import chunked_prefill, generate
from pytest_unicomp.engine.continuous_batching import ContinuousBatches
from pytest_unicomp.engine.lm import UnicompLM
from pytest_unicomp.engine.static_batching import StaticBatches
from tests.engine.test_generate import PROMPTS, requests
from tests.engine.toy_models import model, tokenizer

LONG = ["word " * 30 + end for end in ("one", "two", "three")]


@pytest.fixture
def small(monkeypatch):
    """Returns a model that has room for so many tokens in one pass; it fails in its last layer, when the others have stored theirs already."""

    def of(tokens, failed):
        one = model("llama")
        layer = one.model.layers[-1]
        forward = type(layer).forward

        def limited(self, hidden, *arguments, **settings):
            if hidden.shape[0] * hidden.shape[1] > tokens:
                failed.append(hidden.shape[:2])
                raise torch.OutOfMemoryError("CUDA out of memory")
            return forward(self, hidden, *arguments, **settings)

        monkeypatch.setattr(layer, "forward", limited.__get__(layer))
        return one

    return of


@pytest.mark.parametrize("kind", [ContinuousBatches, StaticBatches])
def test_prompts_that_do_not_fit_together_are_prefilled_in_halves(small, monkeypatch, kind):
    lm = UnicompLM(model("llama"), tokenizer())
    expected = lm.generate_until(requests([*PROMPTS, *LONG]))
    if kind is StaticBatches:
        monkeypatch.setattr(generate, "_can_batch_continuously", lambda *_: False)
    small(220, failed := [])
    assert lm.generate_until(requests([*PROMPTS, *LONG])) == expected
    assert failed


def test_a_prompt_that_does_not_fit_alone_is_read_in_smaller_chunks(small):
    lm = UnicompLM(model("llama"), tokenizer())
    expected = lm.generate_until(requests(LONG[:1]))
    small(50, failed := [])
    assert lm.generate_until(requests(LONG[:1])) == expected
    assert failed[0][1] > 50


def test_a_shared_prefix_that_does_not_fit_is_read_in_smaller_chunks(small):
    from transformers import DynamicCache

    lm = UnicompLM(model("llama"), tokenizer())
    tokens = tokenizer().encode(LONG[0])
    head, caches, logits = lm.capabilities.lm_head, [DynamicCache(), DynamicCache()], []
    for cache in caches:
        with torch.inference_mode():
            logits.append(head.logits(chunked_prefill.prefill(lm.model, head, tokens, cache)))
        if not logits[1:]:
            small(30, failed := [])
    assert failed
    assert torch.allclose(*logits, atol=1e-3)
    for first, second in zip(caches[0].layers, caches[1].layers, strict=True):
        assert first.keys.shape == second.keys.shape
        assert torch.allclose(first.keys, second.keys, atol=1e-4)
        assert torch.allclose(first.values, second.values, atol=1e-4)


def test_other_errors_and_a_single_token_that_does_not_fit_are_raised(small, monkeypatch):
    lm = UnicompLM(model("llama"), tokenizer())
    small(0, [])
    with pytest.raises(torch.OutOfMemoryError):
        lm.generate_until(requests(PROMPTS))
    monkeypatch.setattr(lm.model.model.layers[-1], "forward", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("another error")))
    with pytest.raises(RuntimeError, match="another error"):
        lm.generate_until(requests(PROMPTS))
